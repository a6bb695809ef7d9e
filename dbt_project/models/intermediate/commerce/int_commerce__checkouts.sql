{{ config(materialized='view') }}

select
    source,
    checkout_id,
    source_customer_id,
    email,
    currency,
    basket_amount,
    completed_at is not null as is_completed,
    started_at,
    completed_at
from {{ ref('stg_shopify__abandoned_checkouts') }}
