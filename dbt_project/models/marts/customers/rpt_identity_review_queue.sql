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
        one.durable_id as id_l,
        other.durable_id as id_r,
        least(one.durable_id, other.durable_id) as lower_id,
        greatest(one.durable_id, other.durable_id) as higher_id,
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
        least(one.durable_id, other.durable_id) as lower_id,
        greatest(one.durable_id, other.durable_id) as higher_id
    from {{ ref('identity_overrides') }} as overrides
    inner join records as one on overrides.record_id_l = one.record_id
    inner join records as other on overrides.record_id_r = other.record_id and one.entity = other.entity

),

undecided as (

    select refused.*
    from refused
    anti join decided using (entity, lower_id, higher_id)
    qualify
        row_number() over (
            partition by refused.entity, refused.lower_id, refused.higher_id
            order by
                refused.confidence desc,
                refused.record_id_l asc,
                refused.record_id_r asc,
                refused.rule asc
        ) = 1

),

customer_values as (

    select
        customer_id,
        coalesce(nullif(recurring_amount, 0), contract_amount, net_amount) as amount,
        case
            when recurring_amount <> 0 then recurring_currency
            when contract_amount is not null then contract_currency
            else currency
        end as currency,
        case
            when recurring_amount <> 0 then 'month'
            when contract_amount is not null then 'contract'
            else 'orders'
        end as basis
    from {{ ref('dim_customers') }}

),

known_values as (

    select
        'customer' as entity,
        customer_id as durable_id,
        amount,
        currency,
        basis
    from customer_values
    where amount is not null and currency is not null

),

-- A person stands for the customers that the person belongs to now; of several, for the one with most in any currency.
valued as (

    select *
    from known_values
    union all
    select
        'person' as entity,
        people.person_id as durable_id,
        max_by(known_values.amount, (known_values.amount, known_values.currency)) as amount,
        max_by(known_values.currency, (known_values.amount, known_values.currency)) as currency,
        max_by(known_values.basis, (known_values.amount, known_values.currency)) as basis
    from {{ ref('map_customer_people') }} as people
    inner join known_values on people.customer_id = known_values.durable_id
    where people.is_current
    group by people.person_id

),

staked as (

    select
        undecided.*,
        valued.amount as value_at_stake_amount,
        valued.currency,
        valued.basis as value_at_stake_basis,
        row_number() over (
            partition by undecided.entity, valued.currency, valued.basis
            order by
                valued.amount desc nulls last,
                undecided.confidence desc,
                undecided.lower_id asc,
                undecided.higher_id asc
        ) as rank_of_its_kind
    from undecided
    left join valued on undecided.entity = valued.entity and undecided.smaller_id = valued.durable_id

),

-- Euros aren't dollars, nor is a month a contract: the first of each kind come first, then the second.
ranked as (

    select
        *,
        row_number() over (
            partition by entity
            order by
                value_at_stake_amount is null,
                rank_of_its_kind asc,
                confidence desc,
                lower_id asc,
                higher_id asc
        ) as rank
    from staked

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
