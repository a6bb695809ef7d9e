{{ config(materialized='view') }}
select
    release_id,
    as_of_date,
    last_load_id
from {{ published('release', {'release_id': 'varchar', 'as_of_date': 'date', 'last_load_id': 'varchar'}) }}
