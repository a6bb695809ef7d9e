with records as (

    select
        entity,
        source || '/' || list_kind || '/' || source_record_id as record_id,
        durable_id,
        count(*) over (partition by entity, durable_id) as record_count
    from {{ ref('int_customers__record_ids') }}

),

refused as (

    select
        edges.*,
        least(one.durable_id, other.durable_id) as id_l,
        greatest(one.durable_id, other.durable_id) as id_r,
        case
            when (one.record_count, one.durable_id) < (other.record_count, other.durable_id) then one.durable_id
            else other.durable_id
        end as smaller_id
    from {{ ref('fct_identity_edges') }} as edges
    inner join records as one on edges.entity = one.entity and edges.record_id_l = one.record_id
    inner join records as other on edges.entity = other.entity and edges.record_id_r = other.record_id
    where not edges.is_kept and edges.reason <> 'cannot_link' and one.durable_id <> other.durable_id

),

decided as (

    select distinct
        one.entity,
        least(one.durable_id, other.durable_id) as id_l,
        greatest(one.durable_id, other.durable_id) as id_r
    from {{ ref('identity_overrides') }} as overrides
    inner join records as one on overrides.record_id_l = one.record_id
    inner join records as other on overrides.record_id_r = other.record_id and one.entity = other.entity

),

undecided as (

    select refused.*
    from refused
    anti join decided using (entity, id_l, id_r)
    qualify
        row_number() over (
            partition by refused.entity, refused.id_l, refused.id_r
            order by
                refused.confidence desc,
                refused.record_id_l asc,
                refused.record_id_r asc,
                refused.rule asc
        ) = 1

),

valued as (

    select
        customer_id,
        coalesce(recurring_amount, contract_amount, net_amount) as amount,
        case
            when recurring_amount is not null then recurring_currency
            when contract_amount is not null then contract_currency
            else currency
        end as currency,
        case
            when recurring_amount is not null then 'month'
            when contract_amount is not null then 'contract'
            when net_amount is not null then 'orders'
        end as basis
    from {{ ref('dim_customers') }}

),

ranked as (

    select
        undecided.*,
        if(valued.currency is null, null, valued.amount) as value_at_stake_amount,
        if(valued.amount is null, null, valued.currency) as currency,
        if(valued.amount is null or valued.currency is null, null, valued.basis) as value_at_stake_basis,
        row_number() over (
            partition by undecided.entity
            order by
                value_at_stake_amount desc nulls last,
                undecided.confidence desc,
                undecided.id_l asc,
                undecided.id_r asc
        ) as rank
    from undecided
    left join valued on undecided.entity = 'customer' and undecided.smaller_id = valued.customer_id

),

-- An id of a source may hold a comma.
final as (

    select
        *,
        list_transform(
            [record_id_l, record_id_r],
            field -> if(regexp_matches(field, '[",\r\n]'), '"' || replace(field, '"', '""') || '"', field)
        ) as fields
    from ranked
    where rank <= {{ var('review_queue_size') }}

)

select
    entity,
    rank,
    id_l,
    id_r,
    record_id_l,
    record_id_r,
    rule,
    confidence,
    match_weight,
    reason,
    value_at_stake_amount,
    currency,
    value_at_stake_basis,
    ',' || if(entity = 'customer', 'company', 'person') || ',' || fields[1] || ',' || fields[2] || ',,,' as override_row
from final
