with lines as (

    select cast(row(rule, entity, identifiers, unless_differs, tier, confidence) as varchar) as line
    from {{ ref('identity_rules') }}
    union all
    select cast(row(entity, id_type, max_records, is_exclusive) as varchar) as line
    from {{ ref('identity_identifiers') }}
    union all
    select cast(row(source, list_kind, owner, owner_list_kind) as varchar) as line
    from {{ ref('external_ids') }}
    union all
    select cast(row(part, word, reason) as varchar) as line
    from {{ ref('generic_values') }}
    union all
    select cast(row(source, list_kind) as varchar) as line
    from {{ ref('duplicate_free_lists') }}
    union all
    select cast(row('free mail', domain) as varchar) as line
    from {{ ref('free_mail_domains') }}
    union all
    select cast(row('legal form', form) as varchar) as line
    from {{ ref('legal_forms') }}
    union all
    select cast(row('null-like', word) as varchar) as line
    from {{ ref('null_likes') }}
    union all
    select cast(row('short name', short_name, first_name) as varchar) as line
    from {{ ref('short_names') }}
    union all
    select
        'bounds {{ var("max_shared_keys") }} {{ var("max_person_records") }} {{ var("max_company_records") }} '
        || '{{ var("link_probability") }} {{ var("strong_link_probability") }} {{ var("review_probability") }}' as line

),

rules as (

    select md5(string_agg(line, chr(10) order by line)) as rules_version
    from lines

),

decisions as (

    select cast(row(decision, entity, record_id_l, record_id_r) as varchar) as line
    from {{ ref('identity_overrides') }}

),

overrides as (

    select coalesce(md5(string_agg(line, chr(10) order by line)), '') as overrides_version
    from decisions

),

linkage_models as (

    select coalesce(string_agg(kind || ' ' || model_version, ', ' order by kind, model_version), '') as model_version
    from {{ ref('int_customers__linkage_models') }}

),

known as (

    select
        version_number,
        rules_version,
        overrides_version,
        model_version
    from {{ versions_before() }} as versions

),

final as (

    select
        rules.rules_version,
        overrides.overrides_version,
        linkage_models.model_version,
        coalesce(known.version_number, 0) as known_version_number,
        case
            when known.version_number is null then 'data'
            when overrides.overrides_version <> known.overrides_version then 'override'
            when rules.rules_version <> known.rules_version then 'rule'
            when linkage_models.model_version <> known.model_version then 'model'
            else 'data'
        end as cause
    from rules
    cross join overrides
    cross join linkage_models
    left join known on true

)

select
    rules_version,
    overrides_version,
    model_version,
    known_version_number,
    cause
from final
