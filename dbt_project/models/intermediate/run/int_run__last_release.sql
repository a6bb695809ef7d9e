{{ config(materialized='view') }}
-- A run that was given no day may find that it describes an earlier one than the last release: that is no past.
select
    last_release.release_id,
    last_release.as_of_date,
    last_release.last_load_id
from {{ published('release', {'release_id': 'varchar', 'as_of_date': 'date', 'last_load_id': 'varchar'}) }}
    as last_release
inner join {{ ref('int_run__context') }} as context
    on last_release.as_of_date <= context.as_of_date
