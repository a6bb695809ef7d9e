{{ config(materialized='view') }}
select
    entity,
    durable_id,
    event,
    other_id,
    known_date
from {{
    published('fct_identity_events', {
        'entity': 'varchar', 'durable_id': 'varchar', 'event': 'varchar', 'other_id': 'varchar', 'known_date': 'date'
    })
}}
