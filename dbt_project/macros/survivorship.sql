{#- The order in which the values of a field are heard; the first counts. -#}
{% macro survival_order() -%}
    is_valid desc,
    is_current desc,
    authority_rank,
    is_own_list desc,
    as_of_at desc nulls last,
    source,
    role,
    source_record_id
{%- endmacro %}

{#- Why one value won over another; each is a row of int_customers__field_values. -#}
{% macro deciding_rule(winner, loser) -%}
    case
        when not {{ loser }}.is_valid or not {{ loser }}.is_current then 'validity'
        when {{ winner }}.authority_rank <> {{ loser }}.authority_rank then 'authority'
        when {{ winner }}.is_own_list <> {{ loser }}.is_own_list then 'authority'
        when
            {{ winner }}.as_of_at = {{ loser }}.as_of_at
            or ({{ winner }}.as_of_at is null and {{ loser }}.as_of_at is null)
            then 'tie'
        else 'recency'
    end
{%- endmacro %}

{#- What is told of several parts, in one text; `null_likes.words` is the list of those that tell nothing. -#}
{% macro told_parts(parts, separator) -%}
    array_to_string(
        list_filter([{{ parts | join(', ') }}], part -> not list_contains(null_likes.words, lower(trim(part)))),
        '{{ separator }}'
    )
{%- endmacro %}

{#- A struct of a field and what a record says of it. -#}
{% macro said(field_group, field, expression) -%}
    struct_pack(field_group := '{{ field_group }}', field := '{{ field }}', value := cast({{ expression }} as varchar))
{%- endmacro %}

{#- One spelling for umlauts: Mueller is muller, as Müller is without its dots. Expects plain words. -#}
{% macro folded_words(words) -%}
    replace(replace(replace({{ words }}, 'ue', 'u'), 'oe', 'o'), 'ae', 'a')
{%- endmacro %}

{#-
    Whether two values of a field tell different things; each is a row of int_customers__field_values or
    int_customers__person_values. Names and addresses with the same numbers don't where they are alike up to a slip or
    an abbreviation (a similarity by Jaro-Winkler of `same_text_similarity`); an address doesn't where it only lacks
    words of the other, and a name doesn't where its words begin words of the other: L. Schönwald, Lena Schönwald. A
    phone number doesn't where the last eight digits are the same, for one may lack its country.
-#}
{% macro tells_otherwise(winner, loser) -%}
    {%- set one, other = winner ~ '.value_key', loser ~ '.value_key' -%}
    {{ one }} <> {{ other }}
    and case
        when {{ winner }}.field in ('customer_name', 'full_name', 'first_name', 'last_name')
            then not (
                {{ is_nearly_same_text(one, other) }}
                or {{ words_begin_words(one, other) }}
                or {{ words_begin_words(other, one) }}
            )
        when {{ winner }}.field = 'address'
            then not (
                {{ is_nearly_same_text(one, other) }}
                or list_has_all(string_split({{ one }}, ' '), string_split({{ other }}, ' '))
                or list_has_all(string_split({{ other }}, ' '), string_split({{ one }}, ' '))
            )
        when {{ winner }}.field = 'phone' then right({{ one }}, 8) <> right({{ other }}, 8)
        else true
    end
{%- endmacro %}

{% macro is_nearly_same_text(one, other) -%}
    (
        regexp_replace({{ one }}, '[^0-9]', '', 'g') = regexp_replace({{ other }}, '[^0-9]', '', 'g')
        and jaro_winkler_similarity({{ one }}, {{ other }}) >= {{ var('same_text_similarity') }}
    )
{%- endmacro %}

{#- Whether each word of one text begins a word of the other. -#}
{% macro words_begin_words(shorter, longer) -%}
    list_bool_and(
        list_transform(
            string_split({{ shorter }}, ' '),
            word -> list_bool_or(list_transform(string_split({{ longer }}, ' '), other -> starts_with(other, word)))
        )
    )
{%- endmacro %}

{#- The names in a list of sources as one text, each once, in the order of the alphabet; NULL where there is none. -#}
{% macro source_names(sources) -%}
    nullif(array_to_string(list_sort(list_distinct({{ sources }})), ', '), '')
{%- endmacro %}
