"""Brokers: a module each, which declares one `Broker`. Nothing else in `tom` names one."""
