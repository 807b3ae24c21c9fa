-- The web server's role: what the owner may, on a share of the connections. The compose file runs
-- this at every start; run twice it changes nothing. psql reads the password from PGPASSWORD.
\set ON_ERROR_STOP on
\getenv password PGPASSWORD
SELECT 'CREATE ROLE counterpart_web'
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'counterpart_web') \gexec
ALTER ROLE counterpart_web LOGIN PASSWORD :'password' CONNECTION LIMIT 40;
GRANT counterpart TO counterpart_web;
