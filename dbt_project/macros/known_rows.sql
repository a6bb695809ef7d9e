{#-
    The records of a raw table that are known, as a subquery to select from: one version of each, no deleted one.

    Without an as-of date these are the current versions. With one, the version of each that was known on that day: the
    current one, or, where that came later, the newest earlier one. A version without a time of its own was known as
    long as nothing else tells, and none of a load after the run's `--known-at`; `dated_by` (the column that dates a record) then leaves out what happened after the
    day, and guards the others a second time. So a version or a record after the day changes nothing.

    key: the columns that tell one record from another; NULLs count as equal.
-#}
{% macro known_rows(relation, key, dated_by=none) -%}
    {%- set same_key = [] -%}
    {%- for column in key %}
        {%- do same_key.append("later." ~ column ~ " is not distinct from earlier." ~ column) -%}
    {%- endfor -%}
    (
        select *
        from {{ relation }}
        where
            _superseded_by is null
            and _is_deleted is not true
            and {{ _was_known(dated_by) }}
        union all
        select *
        from {{ relation }} as earlier
        where
            _superseded_by is not null
            and {{ _was_known(dated_by) }}
            and exists (
                select 1
                from {{ relation }} as later
                where
                    later._superseded_by is null
                    and not ({{ _was_known(dated_by) }})
                    and {{ same_key | join(' and ') }}
            )
        qualify
            row_number() over (
                partition by {{ key | join(', ') }}
                order by _version desc nulls last, _load_id desc, _row_number desc
            ) = 1
            and _is_deleted is not true
    )
{%- endmacro %}

{% macro _was_known(dated_by) -%}
    {{ is_later('_version') }} is not true and {{ is_later_load('_load_id') }} is not true
    {%- if dated_by %} and {{ is_later(dated_by) }} is not true{% endif -%}
{%- endmacro %}

{#-
    Every version of a raw table's records, as a subquery to select from, with two columns more: `valid_from_at`, the
    version's own time or else that of the record (`dated_by`), and `load_id`. The later load's version holds where
    two are valid from the same time. Tombstones are left out; so is what came after the as-of date.
-#}
{% macro known_versions(relation, key, dated_by) -%}
    (
        select
            *,
            coalesce(_version, {{ dated_by }}) as valid_from_at,
            _load_id as load_id
        from {{ relation }}
        where
            _is_deleted is not true
            and {{ _was_known(dated_by) }}
        qualify
            row_number() over (
                partition by {{ key | join(', ') }}, coalesce(_version, {{ dated_by }}), _load_id
                order by _superseded_by nulls first, _row_number desc
            ) = 1
    )
{%- endmacro %}

{#-
    True where something happened after the as-of date; a record without versions tells it early. NULL without a date
    of either, hence the `is not true` of what was known.
-#}
{% macro is_later(time) -%}
    ({{ time }} >= {{ as_of_date() }} + interval 1 day)
{%- endmacro %}

{#- True where a load came after the time until which the run knows the sources; NULL without such a time. -#}
{% macro is_later_load(load_id) -%}
    ({{ load_id }} >= main.unknown_since())
{%- endmacro %}

{#- When something happened, NULL where that was after the as-of date. -#}
{% macro known_time(time) -%}
    case when {{ is_later(time) }} then null else {{ time }} end
{%- endmacro %}

{#-
    The as-of date that the last run was given, NULL where it was given none. The run writes it into the warehouse,
    for dbt would parse the whole project anew for each day that it gets as a var.
-#}
{% macro as_of_date() -%}
    main.as_of_date()
{%- endmacro %}
