with record_ids as (

    select
        durable_id as customer_id,
        source,
        source_record_id
    from {{ ref('int_customers__record_ids') }}
    where entity = 'customer' and list_kind = 'customer'

),

-- What the source merged into another record is no record of its own any more.
merged as (

    select
        source,
        merged_id as source_record_id
    from {{ ref('int_crm__merges') }}
    where entity = 'customer'
    union
    select
        source,
        merged_id as source_record_id
    from {{ ref('int_commerce__merges') }}
    where entity = 'customer'

),

null_likes as (

    select list(word) as words
    from {{ ref('null_likes') }}

),

crm as (

    select
        'crm' as role,
        customers.source,
        customers.source_customer_id as source_record_id,
        customers.is_deleted,
        coalesce(customers.updated_at, customers.created_at) as as_of_at,
        [
            {{ said('identity', 'customer_name', 'customers.customer_name') }},
            {{ said('identity', 'email', 'customers.email') }},
            {{ said('identity', 'domain', 'customers.domain') }},
            {{ said(
                'identity', 'address',
                told_parts(['customers.address', 'customers.postal_code', 'customers.city'], ', ')
            ) }},
            {{ said('identity', 'country', 'customers.country') }},
            {{ said('identity', 'tax_id', 'customers.tax_id') }},
            {{ said('segment', 'segment', 'customers.segment') }},
            {{ said('segment', 'industry', 'customers.industry') }},
            {{ said('segment', 'employee_count', 'customers.employee_count') }},
            {{ said('contract', 'plan', 'customers.plan') }},
            {{ said('contract', 'renewal_date', 'customers.renewal_date') }},
            {{ said('status', 'status', 'customers.crm_status') }},
            {{ said('owner', 'owner', 'coalesce(owners.full_name, owners.email)') }}
        ] as fields
    from {{ ref('int_crm__customers') }} as customers
    left join {{ ref('int_crm__owners') }} as owners
        on
            customers.source = owners.source
            and customers.source_owner_id = owners.source_owner_id
    cross join null_likes

),

billing as (

    select
        'billing' as role,
        source,
        source_customer_id as source_record_id,
        false as is_deleted,
        coalesce(updated_at, created_at) as as_of_at,
        [
            {{ said('identity', 'customer_name', 'customer_name') }},
            {{ said('identity', 'email', 'email') }},
            {{ said('identity', 'address', told_parts(['address', 'postal_code', 'city'], ', ')) }},
            {{ said('identity', 'country', 'country') }},
            {{ said('identity', 'tax_id', 'tax_id') }}
        ] as fields
    from {{ ref('int_billing__customers') }}
    cross join null_likes

),

-- While one record of a customer is paid for, the contract of another in the same system has merely moved.
contracts as (

    select
        'billing' as role,
        contracts.source,
        contracts.source_customer_id as source_record_id,
        false as is_deleted,
        contracts.valid_from_at as as_of_at,
        [
            {{ said('contract', 'plan', 'contracts.plan') }},
            {{ said('contract', 'renewal_date', 'contracts.renewal_date') }},
            {{ said('status', 'status', 'contracts.status') }}
        ] as fields
    from {{ ref('int_billing__contracts') }} as contracts
    inner join record_ids
        on
            contracts.source = record_ids.source
            and contracts.source_customer_id = record_ids.source_record_id
    qualify
        contracts.is_live
        or not bool_or(contracts.is_live) over (partition by record_ids.customer_id, contracts.source)

),

support as (

    select
        'support' as role,
        source,
        source_customer_id as source_record_id,
        false as is_deleted,
        coalesce(updated_at, created_at) as as_of_at,
        [
            {{ said('identity', 'customer_name', 'customer_name') }},
            {{ said('identity', 'domain', 'domain') }}
        ] as fields
    from {{ ref('int_support__customers') }}

),

product as (

    select
        'product' as role,
        source,
        source_customer_id as source_record_id,
        false as is_deleted,
        max(last_seen_at) filter (where customer_name is not null) as as_of_at,
        [
            {{ said('identity', 'customer_name', 'arg_max(customer_name, row(last_seen_at, customer_name))') }}
        ] as fields
    from {{ ref('int_product__identities') }}
    where source_customer_id is not null
    group by source, source_customer_id

),

-- The customers of files are among those of the CRM.
commerce as (

    select
        'commerce' as role,
        source,
        source_customer_id as source_record_id,
        false as is_deleted,
        coalesce(updated_at, signed_up_at) as as_of_at,
        [
            {{ said('identity', 'customer_name', 'customer_name') }},
            {{ said('identity', 'email', 'email') }},
            {{ said('identity', 'address', told_parts(['address', 'postal_code', 'city'], ', ')) }},
            {{ said('identity', 'country', 'country') }}
        ] as fields
    from {{ ref('int_commerce__customers') }}
    cross join null_likes
    where source <> 'files'

),

loyalty as (

    select
        'loyalty' as role,
        source,
        source_customer_id as source_record_id,
        false as is_deleted,
        coalesce(updated_at, joined_at) as as_of_at,
        [
            {{ said('identity', 'customer_name', told_parts(['first_name', 'last_name'], ' ')) }},
            {{ said('identity', 'email', 'email') }}
        ] as fields
    from {{ ref('int_loyalty__members') }}
    cross join null_likes

),

records as (

    select * from crm
    union all
    select * from billing
    union all
    select * from contracts
    union all
    select * from support
    union all
    select * from product
    union all
    select * from commerce
    union all
    select * from loyalty

),

said_fields as (

    select
        * exclude (fields),
        unnest(fields) as said
    from records

),

given as (

    select
        record_ids.customer_id,
        struct_extract(said_fields.said, 'field') as field,
        struct_extract(said_fields.said, 'field_group') as field_group,
        said_fields.source,
        said_fields.role,
        said_fields.source_record_id,
        trim(struct_extract(said_fields.said, 'value')) as value,
        not coalesce(said_fields.is_deleted, false) and merged.source is null as is_current,
        said_fields.as_of_at
    from said_fields
    inner join record_ids
        on
            said_fields.source = record_ids.source
            and said_fields.source_record_id = record_ids.source_record_id
    left join merged
        on
            said_fields.source = merged.source
            and said_fields.source_record_id = merged.source_record_id
    where trim(struct_extract(said_fields.said, 'value')) <> ''

),

legal_forms as (

    select list(form) as forms
    from {{ ref('legal_forms') }}

),

given_names as (

    select distinct value
    from given
    where field = 'customer_name'

),

-- Names repeat, so each is read once: up to its legal form, but for a name that is nothing else, in whatever order.
names as (

    select
        value,
        forms,
        string_split({{ folded_words(plain_name('value')) }}, ' ') as words
    from given_names
    cross join legal_forms

),

name_keys as (

    select
        'customer_name' as field,
        value,
        array_to_string(
            list_sort(list_slice(
                words, 1, greatest(
                    1,
                    len(words) + 1 - coalesce(
                        list_position(
                            list_transform(list_reverse(words), word -> list_contains(forms, word)), false
                        ),
                        len(words)
                    )
                )
            )), ' '
        ) as name_key
    from names

),

country_keys as (

    select
        'country' as field,
        trim(country_as_written) as value,
        min(country_code) as country_code
    from {{ ref('int_customers__countries') }}
    group by trim(country_as_written)

),

free_mail as (

    select
        'domain' as field,
        domain
    from {{ ref('free_mail_domains') }}

),

limits as (

    select
        cast('{{ var("earliest_plausible_date") }}' as date) as first_date,
        as_of_date + interval {{ var('plausible_years_ahead') }} year as last_date
    from {{ ref('int_run__context') }}

),

judged as (

    select
        given.*,
        list_contains(null_likes.words, lower(given.value)) as is_null_like,
        case given.field
            when 'customer_name' then name_keys.name_key
            when 'email' then {{ email_canonical(email_key('given.value')) }}
            when 'domain'
                then case
                        when free_mail.domain is null and contains({{ web_domain('given.value') }}, '.')
                            then {{ web_domain('given.value') }}
                    end
            when 'address' then {{ folded_words(plain_words('given.value')) }}
            when 'country' then country_keys.country_code
            when 'tax_id' then nullif(upper(regexp_replace(given.value, '[^\p{L}\p{N}]', '', 'g')), '')
            when 'employee_count' then case when try_cast(given.value as bigint) > 0 then given.value end
            when 'renewal_date'
                then case
                        when
                            try_cast(given.value as date) between limits.first_date and limits.last_date
                            then given.value
                    end
            when 'status' then nullif(given.value, 'trial')
            else {{ folded_words(plain_words('given.value')) }}
        end as compared
    from given
    cross join limits
    cross join null_likes
    left join name_keys
        on
            given.field = name_keys.field
            and given.value = name_keys.value
    left join country_keys
        on
            given.field = country_keys.field
            and given.value = country_keys.value
    left join free_mail
        on
            given.field = free_mail.field
            and {{ web_domain('given.value') }} = free_mail.domain

),

final as (

    select
        judged.customer_id,
        judged.field,
        judged.field_group,
        judged.source,
        judged.role,
        judged.source_record_id,
        judged.value,
        -- What can't be is compared as it is written; what says nothing with nothing.
        case
            when judged.is_null_like or judged.value = 'trial' then null
            else coalesce(judged.compared, lower(judged.value))
        end as value_key,
        not judged.is_null_like and (judged.compared is not null or judged.value = 'trial') as is_valid,
        judged.is_current,
        coalesce(authority.authority_rank, 1000) as authority_rank,
        judged.field_group in ('contract', 'status') and judged.role = 'billing' as is_own_list,
        judged.as_of_at
    from judged
    left join {{ ref('int_customers__source_authority') }} as authority
        on
            authority.entity = 'customer'
            and judged.field_group = authority.field_group
            and judged.source = authority.source

)

select
    customer_id,
    field,
    field_group,
    source,
    role,
    source_record_id,
    value,
    value_key,
    is_valid,
    is_current,
    authority_rank,
    is_own_list,
    as_of_at,
    row_number() over (
        partition by customer_id, field
        order by {{ survival_order() }}
    ) as survival_rank
from final
