{% set guards = rule_guards().split() %}

with rules as (

    select
        *,
        string_split(identifiers, '+') as parts,
        coalesce(string_split(unless_differs, '+'), []) as guards,
        try_cast(confidence as double) as probability,
        concat_ws(',', rule, entity, identifiers, coalesce(unless_differs, ''), tier, confidence) as row_text
    from {{ ref('identity_rules') }}

),

known_types as (

    select
        entity,
        list(id_type) as id_types
    from {{ ref('identity_identifiers') }}
    group by entity

),

compared as (

    select
        rules.*,
        list_filter(rules.parts, part -> not list_contains(coalesce(known_types.id_types, []), part)) as unknown_parts,
        list_filter(
            rules.guards,
            guard -> not list_contains(string_split('{{ guards | join(" ") }}', ' '), guard)
        ) as unknown_guards,
        row_number() over (partition by rules.rule order by rules.row_text) as name_number
    from rules
    left join known_types on rules.entity = known_types.entity

),

judged as (

    select
        *,
        case
            when rule is null then 'no name'
            when name_number > 1 then 'the name of another rule'
            when coalesce(entity, '') not in ('person', 'company')
                then 'an unknown entity; there are person and company'
            when identifiers is null then 'no identifier; name what two records share'
            when len(parts) > 2 then 'more than two identifiers'
            when len(unknown_parts) > 0
                then 'an unknown identifier, ' || unknown_parts[1] || '; identity_identifiers.csv lists them by entity'
            when len(unknown_guards) > 0
                then
                    'an unknown word in unless_differs, ' || unknown_guards[1]
                    || '; there are {{ guards[:-1] | join(", ") }} and {{ guards[-1] }}'
            when coalesce(tier, '') not in ('strong', 'weak') then 'an unknown tier; there are strong and weak'
            when probability is null or probability <= 0 or probability > 1
                then 'no confidence; it is a number above 0, up to 1'
        end as mistake
    from compared

)

select
    case
        when mistake is null then rule
        else error('identity_rules.csv: the row "' || row_text || '" has ' || mistake || '.')
    end as rule,
    entity,
    identifiers,
    unless_differs,
    tier,
    probability as confidence
from judged
