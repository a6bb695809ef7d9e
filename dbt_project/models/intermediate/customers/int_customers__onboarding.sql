with milestones as (

    select
        record_ids.durable_id as customer_id,
        milestones.source,
        milestones.milestone,
        milestones.status = 'complete' and coalesce(cast(milestones.reached_at as date) <= context.as_of_date, true)
            as is_complete,
        milestones.reached_at,
        coalesce(milestones.updated_at, milestones.reached_at, milestones.created_at) as written_at,
        milestones.source_milestone_id
    from {{ ref('int_success__milestones') }} as milestones
    inner join {{ ref('int_customers__record_ids') }} as record_ids
        on
            milestones.id_system = record_ids.source
            and milestones.source_customer_id = record_ids.source_record_id
            and record_ids.entity = 'customer'
            and record_ids.list_kind = 'customer'
    cross join {{ ref('int_run__context') }} as context
    where cast(milestones.created_at as date) <= context.as_of_date

)

select
    customer_id,
    list_sort(list(distinct source)) as sources,
    cast(max(written_at) as date) as as_of_date,
    count(*) as milestone_count,
    count(*) filter (where is_complete) as completed_milestone_count,
    max_by(milestone, row(reached_at, source_milestone_id)) filter (where is_complete and reached_at is not null)
        as last_milestone,
    cast(max(reached_at) filter (where is_complete) as date) as last_milestone_date,
    bool_or(is_complete) filter (where lower(milestone) = '{{ var("onboarded_milestone") }}') as is_onboarded
from milestones
group by customer_id
