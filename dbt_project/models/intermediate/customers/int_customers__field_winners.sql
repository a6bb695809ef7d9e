with field_values as (

    select *
    from {{ ref('int_customers__field_values') }}

),

winners as (

    select *
    from field_values
    where survival_rank = 1 and is_valid

),

-- The rival that was nearest to winning: one that would have won if it were valid, or else the next in order.
rivals as (

    select
        winners.customer_id,
        winners.field,
        {{ deciding_rule('winners', 'losers') }} as rule
    from winners
    inner join field_values as losers
        on
            winners.customer_id = losers.customer_id
            and winners.field = losers.field
            and {{ tells_otherwise('winners', 'losers') }}
            and losers.is_current
    qualify
        row_number() over (
            partition by winners.customer_id, winners.field
            order by
                not losers.is_valid and losers.authority_rank <= winners.authority_rank desc, losers.survival_rank
        ) = 1

),

record_counts as (

    select
        customer_id,
        field,
        count(*) as value_count
    from field_values
    where is_valid
    group by customer_id, field

)

select
    winners.customer_id,
    winners.field,
    winners.field_group,
    winners.value,
    winners.value_key,
    winners.source,
    winners.role,
    winners.source_record_id,
    winners.as_of_at,
    coalesce(rivals.rule, if(record_counts.value_count = 1, 'only_value', 'agreement')) as rule,
    record_counts.value_count
from winners
inner join record_counts using (customer_id, field)
left join rivals using (customer_id, field)
