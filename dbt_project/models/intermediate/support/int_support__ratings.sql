-- Of five points, four and five count as satisfied. A file of tickets doesn't tell who was asked and did not answer.
with ratings as (

    select * from {{ ref('stg_zendesk__satisfaction_ratings') }}
    union all by name
    select
        source,
        source_ticket_id as source_rating_id,
        source_ticket_id,
        source_person_id,
        rating,
        true as is_answered,
        rating >= 4 as is_satisfied,
        coalesce(solved_at, updated_at, created_at) as answered_at
    from {{ ref('stg_files__tickets') }}
    where rating is not null

)

select
    source,
    source_rating_id,
    source_ticket_id,
    source_person_id,
    source_agent_id,
    reason,
    rating,
    is_answered,
    is_satisfied,
    offered_at,
    answered_at
from ratings
