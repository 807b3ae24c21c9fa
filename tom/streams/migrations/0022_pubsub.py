import tom_common.encryption
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("streams", "0021_fixed_streams"),
    ]

    operations = [
        migrations.AlterField(
            model_name="stream",
            name="kind",
            field=models.CharField(
                choices=[
                    ("scimma", "Hopskotch (SCiMMA)"),
                    ("gcn", "GCN"),
                    ("kafka", "another Kafka broker"),
                    ("pubsub", "Google Pub/Sub"),
                ],
                default="kafka",
                max_length=16,
            ),
        ),
        migrations.AlterField(
            model_name="stream",
            name="address",
            field=models.CharField(help_text="host[:port]; of Pub/Sub host/project", max_length=255),
        ),
        migrations.AlterField(
            model_name="credential",
            name="mechanism",
            field=models.CharField(
                choices=[
                    ("SCRAM-SHA-512", "SCRAM-SHA-512"),
                    ("SCRAM-SHA-256", "SCRAM-SHA-256"),
                    ("PLAIN", "PLAIN"),
                    ("OAUTHBEARER", "OAuth client (GCN)"),
                    ("GOOGLE", "key of a Google service account"),
                ],
                default="SCRAM-SHA-512",
                max_length=16,
            ),
        ),
        migrations.AlterField(
            model_name="credential",
            name="username",
            field=models.CharField(
                help_text="For OAuth, the client's id; at Google, the account's address",
                max_length=200,
            ),
        ),
        migrations.AlterField(
            model_name="credential",
            name="secret",
            field=tom_common.encryption.EncryptedModelField(
                help_text="The password; for OAuth, the client's secret; of Google, the key in JSON"
            ),
        ),
    ]
