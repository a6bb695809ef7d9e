select
    record_ids.durable_id as customer_id,
    max_by(meetings.meeting_kind, row(meetings.held_at, meetings.source, meetings.source_meeting_id)) as meeting_kind,
    max_by(meetings.source, row(meetings.held_at, meetings.source, meetings.source_meeting_id)) as source,
    max(meetings.held_at) as held_at
from {{ ref('int_crm__meetings') }} as meetings
inner join {{ ref('int_customers__record_ids') }} as record_ids
    on
        meetings.id_system = record_ids.source
        and meetings.source_customer_id = record_ids.source_record_id
        and record_ids.entity = 'customer'
        and record_ids.list_kind = 'customer'
cross join {{ ref('int_run__context') }} as context
where
    meetings.outcome = 'completed'
    and cast(meetings.held_at as date) <= context.as_of_date
group by record_ids.durable_id
