with recipients as (

    select
        source,
        'person' as list_kind,
        source_person_id as source_record_id,
        email_consent = 'subscribed' as has_consent,
        coalesce(email_consent = 'unsubscribed', false) as is_withdrawn,
        coalesce(email_consent = 'unsubscribed', false) as is_suppressed
    from {{ ref('int_messaging__people') }}

),

shop_customers as (

    select
        source,
        'customer' as list_kind,
        source_customer_id as source_record_id,
        has_marketing_consent as has_consent
    from {{ ref('int_commerce__customers') }}
    where has_marketing_consent is not null

),

-- Where a list of people says who unsubscribed, it knows of those who came back too.
refusals as (

    select
        events.source,
        'person' as list_kind,
        events.source_person_id as source_record_id,
        events.event_type <> 'bounced' as is_withdrawn,
        true as is_suppressed
    from {{ ref('int_messaging__events') }} as events
    left join {{ ref('int_messaging__people') }} as people
        on
            events.source = people.source
            and events.source_person_id = people.source_person_id
    where
        coalesce(events.channel, 'email') = 'email'
        and (
            events.event_type in ('bounced', 'complained')
            or (events.event_type = 'unsubscribed' and people.email_consent is null)
        )

),

statements as (

    select * from recipients
    union all by name
    select * from shop_customers
    union all by name
    select * from refusals

)

-- A no in one system goes before a yes in another, whichever record was changed last.
select
    record_ids.durable_id as person_id,
    case
        when bool_or(statements.is_withdrawn) then false
        else bool_or(statements.has_consent)
    end as has_marketing_consent,
    bool_or(statements.is_suppressed) as is_suppressed
from statements
inner join {{ ref('int_customers__record_ids') }} as record_ids
    on
        record_ids.entity = 'person'
        and statements.source = record_ids.source
        and statements.list_kind = record_ids.list_kind
        and statements.source_record_id = record_ids.source_record_id
group by record_ids.durable_id
