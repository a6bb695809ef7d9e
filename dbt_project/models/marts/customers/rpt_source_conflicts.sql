with field_values as (

    select *
    from {{ ref('int_customers__field_values') }}

),

contracts as (

    select *
    from {{ ref('int_customers__contracts') }}

),

winners as (

    select *
    from field_values
    where survival_rank = 1 and is_valid

),

losers as (

    select
        losers.*,
        winners.value as winning_value,
        winners.source as winning_source,
        winners.role as winning_role,
        winners.source_record_id as winning_source_record_id,
        winners.as_of_at as winning_as_of_at,
        {{ deciding_rule('winners', 'losers') }} as rule,
        count(*) over (partition by losers.customer_id, losers.field, losers.value_key) as losing_record_count
    from winners
    inner join field_values as losers
        on
            winners.customer_id = losers.customer_id
            and winners.field = losers.field
            and {{ tells_otherwise('winners', 'losers') }}
    where losers.is_current
    qualify
        row_number() over (
            partition by losers.customer_id, losers.field, losers.value_key
            order by losers.survival_rank
        ) = 1

),

judged as (

    select
        *,
        field = 'status'
        and value_key in ('active', 'former')
        and winning_value in ('active', 'former')
        and (role = 'billing') <> (winning_role = 'billing') as is_status_conflict
    from losers

),

of_customers as (

    select
        'customer' as entity,
        judged.customer_id,
        judged.field,
        judged.field_group,
        judged.winning_value,
        judged.winning_source,
        'customer' as winning_list_kind,
        judged.winning_source_record_id,
        judged.winning_as_of_at,
        judged.value as losing_value,
        judged.source as losing_source,
        'customer' as losing_list_kind,
        judged.source_record_id as losing_source_record_id,
        judged.as_of_at as losing_as_of_at,
        judged.losing_record_count,
        judged.rule,
        judged.is_status_conflict,
        case
            when judged.is_status_conflict then coalesce(contracts.last_recurring_amount, contracts.contract_amount)
        end as value_at_stake_amount,
        case
            when judged.is_status_conflict and contracts.last_recurring_amount is not null
                then contracts.recurring_currency
            when judged.is_status_conflict and contracts.contract_amount is not null then contracts.contract_currency
        end as currency,
        case
            when judged.is_status_conflict and contracts.last_recurring_amount is not null then 'month'
            when judged.is_status_conflict and contracts.contract_amount is not null then 'contract'
        end as value_at_stake_basis
    from judged
    left join contracts on judged.customer_id = contracts.customer_id

),

person_values as (

    select *
    from {{ ref('int_customers__person_values') }}

),

person_winners as (

    select *
    from person_values
    where survival_rank = 1

),

of_people as (

    select
        'person' as entity,
        losers.person_id,
        losers.field,
        'identity' as field_group,
        person_winners.value as winning_value,
        person_winners.source as winning_source,
        person_winners.list_kind as winning_list_kind,
        person_winners.source_record_id as winning_source_record_id,
        nullif(person_winners.seen_at, timestamp '0001-01-01') as winning_as_of_at,
        losers.value as losing_value,
        losers.source as losing_source,
        losers.list_kind as losing_list_kind,
        losers.source_record_id as losing_source_record_id,
        nullif(losers.seen_at, timestamp '0001-01-01') as losing_as_of_at,
        sum(losers.record_count) over (
            partition by losers.person_id, losers.field, losers.value_key
        ) as losing_record_count,
        case
            when not losers.is_valid and person_winners.is_valid then 'validity'
            when person_winners.seen_at <> losers.seen_at then 'recency'
            when person_winners.record_count <> losers.record_count then 'majority'
            else 'tie'
        end as rule,
        false as is_status_conflict
    from person_winners
    inner join person_values as losers
        on
            person_winners.person_id = losers.person_id
            and person_winners.field = losers.field
            and losers.survival_rank > 1
            and {{ tells_otherwise('person_winners', 'losers') }}
    qualify
        row_number() over (
            partition by losers.person_id, losers.field, losers.value_key
            order by losers.survival_rank
        ) = 1

),

final as (

    select *
    from of_customers
    union all by name
    select *
    from of_people

)

select
    entity,
    customer_id,
    person_id,
    field,
    field_group,
    winning_value,
    winning_source,
    winning_list_kind,
    winning_source_record_id,
    cast(winning_as_of_at as date) as winning_as_of_date,
    losing_value,
    losing_source,
    losing_list_kind,
    losing_source_record_id,
    cast(losing_as_of_at as date) as losing_as_of_date,
    cast(losing_record_count as bigint) as losing_record_count,
    rule,
    is_status_conflict,
    value_at_stake_amount,
    currency,
    value_at_stake_basis
from final
