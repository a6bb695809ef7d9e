{{ config(materialized='view') }}
select
    source,
    source_subscription_id,
    fingerprint,
    customer_ids,
    ledger_version,
    month_version
from {{ kept_subscriptions() }}
