"""The demo company: the same few source systems' records, from a seed, for trying Tenure without data of one's own."""

from ingestion.demo.shop import write_demo

__all__ = ["write_demo"]
