"""Dashboards as code, for Apache Superset."""
