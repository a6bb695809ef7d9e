with delighted_invitations as (

    select
        source,
        invitation_id,
        source_person_id,
        cast(null as varchar) as source_customer_id,
        {{ json_text('properties', 'ticket_id') }} as source_ticket_id,
        email,
        full_name,
        survey_type,
        channel,
        sent_at
    from {{ ref('stg_delighted__survey_requests') }}

),

file_invitations as (

    select
        source,
        response_id as invitation_id,
        source_person_id,
        source_customer_id,
        source_ticket_id,
        email,
        cast(null as varchar) as full_name,
        survey_type,
        cast(null as varchar) as channel,
        sent_at
    from {{ ref('stg_files__survey_responses') }}

),

final as (

    select * from delighted_invitations
    union all by name
    select * from file_invitations

)

select
    source,
    invitation_id,
    source_person_id,
    source_customer_id,
    source_ticket_id,
    email,
    full_name,
    survey_type,
    channel,
    sent_at
from final
