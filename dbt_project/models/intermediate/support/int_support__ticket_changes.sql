-- A file of tickets tells when they were opened and last solved, and nothing of what was between.
with changes as (

    select * from {{ ref('stg_zendesk__ticket_field_history') }}
    union all by name
    select
        source,
        source_ticket_id,
        'status' as field,
        'new' as new_value,
        created_at as changed_at
    from {{ ref('stg_files__tickets') }}
    union all by name
    select
        source,
        source_ticket_id,
        'status' as field,
        'solved' as new_value,
        solved_at as changed_at
    from {{ ref('stg_files__tickets') }}
    where solved_at > created_at

)

select
    source,
    source_ticket_id,
    source_person_id,
    field,
    new_value,
    changed_at
from changes
