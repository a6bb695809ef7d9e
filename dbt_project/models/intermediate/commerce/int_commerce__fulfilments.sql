{{ config(materialized='view') }}

select
    source,
    fulfilment_id,
    order_id,
    fulfilment_status,
    delivery_status,
    delivered_at > promised_at as is_late,
    promised_at,
    sent_at,
    delivered_at
from {{ ref('stg_shopify__fulfillments') }}
