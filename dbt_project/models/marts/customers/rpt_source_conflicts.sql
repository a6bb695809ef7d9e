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

)

select
    judged.customer_id,
    judged.field,
    judged.field_group,
    judged.winning_value,
    judged.winning_source,
    judged.winning_source_record_id,
    cast(judged.winning_as_of_at as date) as winning_as_of_date,
    judged.value as losing_value,
    judged.source as losing_source,
    judged.source_record_id as losing_source_record_id,
    cast(judged.as_of_at as date) as losing_as_of_date,
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
