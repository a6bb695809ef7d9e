{{ config(materialized='view') }}

select
    source,
    'customer' as entity,
    source_customer_id as merged_id,
    source_merged_into_customer_id as kept_id,
    updated_at as known_at
from {{ ref('stg_shopify__customers') }}
where source_merged_into_customer_id != source_customer_id
