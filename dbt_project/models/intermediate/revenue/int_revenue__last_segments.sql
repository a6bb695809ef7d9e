{{ config(materialized='view') }}
select
    followed_id as customer_id,
    dimension,
    segment
from {{
    published('map_customer_segments', {'followed_id': 'varchar', 'dimension': 'varchar', 'segment': 'varchar'})
}}
