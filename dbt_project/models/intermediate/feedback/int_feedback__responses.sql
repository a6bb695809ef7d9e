with delighted_responses as (

    select
        responses.source,
        responses.response_id,
        responses.invitation_id,
        responses.source_person_id,
        cast(null as varchar) as source_customer_id,
        coalesce(
            {{ json_text('responses.properties', 'ticket_id') }},
            {{ json_text('invitations.properties', 'ticket_id') }}
        ) as source_ticket_id,
        responses.email,
        responses.survey_type,
        responses.comment,
        responses.score,
        invitations.sent_at,
        responses.responded_at
    from {{ ref('stg_delighted__survey_responses') }} as responses
    left join {{ ref('stg_delighted__survey_requests') }} as invitations
        on responses.invitation_id = invitations.invitation_id

),

file_responses as (

    select
        source,
        response_id,
        response_id as invitation_id,
        source_person_id,
        source_customer_id,
        source_ticket_id,
        email,
        survey_type,
        comment,
        score,
        sent_at,
        -- A list that gives no time of the answer has it no earlier than the question.
        coalesce(responded_at, sent_at) as responded_at
    from {{ ref('stg_files__survey_responses') }}
    where score is not null

),

all_responses as (

    select * from delighted_responses
    union all by name
    select * from file_responses

),

final as (

    select
        *,
        case when survey_type = 'nps' then 10 else 5 end as score_max,
        case
            when survey_type != 'nps' then null
            when score >= 9 then 'promoter'
            when score >= 7 then 'passive'
            else 'detractor'
        end as nps_class
    from all_responses

)

select
    source,
    response_id,
    invitation_id,
    source_person_id,
    source_customer_id,
    source_ticket_id,
    email,
    survey_type,
    nps_class,
    comment,
    score,
    score_max,
    sent_at,
    responded_at
from final
