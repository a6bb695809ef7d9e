{#- Identifiers as they are compared. Each macro takes an expression; what says nothing gives NULL. -#}

{#-
    Words without case, accents and punctuation, a blank between them; letters that have no accent to lose, too. What is
    written in ASCII (as many bytes as letters: most is) has no accents, and is read in half the time. `written` is the
    column that the expression is made of.
-#}
{% macro plain_words(expression, written=none) -%}
    {%- set written = written or expression -%}
    nullif(
        trim(
            regexp_replace(
                case
                    when strlen({{ written }}) = length({{ written }}) then lower({{ expression }})
                    else
                        replace(replace(replace(
                            translate(strip_accents(lower({{ expression }})), 'øłđðıþ', 'olddit'),
                            'ß', 'ss'), 'æ', 'ae'), 'œ', 'oe')
                end,
                '[^\p{L}\p{N}]+', ' ', 'g'
            )
        ), ''
    )
{%- endmacro %}

{#- The same without what abbreviates: G.m.b.H. is gmbh, Sp. z o.o. is sp z oo. -#}
{% macro plain_name(expression) -%}
    {{ plain_words("regexp_replace(" ~ expression ~ ", '[.''’`´]', '', 'g')", expression) }}
{%- endmacro %}

{#- An address as it is compared: NULL where it can't be one. To match is a fraction of the work of an extraction. -#}
{% macro email_key(expression) -%}
    {%- set address = "lower(nfc_normalize(trim(" ~ expression ~ ")))" -%}
    case
        when regexp_matches({{ address }}, '^[^@\s<>,;"]+@[^@\s<>,;"]+\.[^@\s<>,;".]{2,}$')
            then regexp_replace({{ address }}, '^mailto:([^@])', '\1')
    end
{%- endmacro %}

{#-
    The mailbox that an address reaches: without what follows a plus sign; at Google's without dots and under one
    domain. Expects the result of `email_key`.
-#}
{% macro email_canonical(email) -%}
    case
        when split_part({{ email }}, '@', 2) in ('gmail.com', 'googlemail.com')
            then replace(split_part(split_part({{ email }}, '@', 1), '+', 1), '.', '') || '@gmail.com'
        else split_part(split_part({{ email }}, '@', 1), '+', 1) || '@' || split_part({{ email }}, '@', 2)
    end
{%- endmacro %}

{#- The newest value of a column among the rows of a group; of two as new, the greater one, so that it is the same. -#}
{% macro newest_of(column) -%}
    arg_max({{ column }}, row(coalesce(last_seen_at, first_seen_at), {{ column }})) filter (where {{ column }} is not null)
{%- endmacro %}

{#- The expression, or NULL where it is one of the texts in the list `null_words`, or empty. -#}
{% macro unless_null_like(expression) -%}
    case
        when trim({{ expression }}) <> '' and not list_contains(null_words, lower(trim({{ expression }})))
            then {{ expression }}
    end
{%- endmacro %}

{#- A number of an authority as it is compared: letters and digits. -#}
{% macro number_key(expression) -%}
    nullif(upper(regexp_replace({{ expression }}, '[^\p{L}\p{N}]', '', 'g')), '')
{%- endmacro %}

{#-
    Whether two names can be one person's or one company's: each word of the shorter one has its like in the longer one,
    in any order. Alike are an initial or a short form, and a slip. Expects lists of words; strictly, only a slip is
    alike. NULL where one isn't known.
-#}
{% macro names_agree(left, right, strictly=false) -%}
    case
        when {{ left }} = {{ right }} then {% if strictly %}len({{ left }}) >= 2{% else %}true{% endif %}
        when {{ left }} is not null and {{ right }} is not null then len(
            list_filter(
                case when len({{ left }}) <= len({{ right }}) then {{ left }} else {{ right }} end,
                word -> len(
                    list_filter(
                        case when len({{ left }}) <= len({{ right }}) then {{ right }} else {{ left }} end,
                        other -> word = other
                        {%- if strictly %}
                        or (least(length(word), length(other)) >= 4 and damerau_levenshtein(word, other) <= 1)
                        {%- else %}
                        or starts_with(other, word) or starts_with(word, other)
                        or jaro_winkler_similarity(word, other) >= 0.88
                        {%- endif %}
                    )
                ) > 0
            )
        ) = least(len({{ left }}), len({{ right }}))
        {%- if strictly %} and least(len({{ left }}), len({{ right }})) >= 2{% endif %}
    end
{%- endmacro %}

{#- Ids of a record and of its part as one id that no other two give: what joins them is escaped where it is in them. -#}
{% macro id_of_part(whole, part) -%}
    concat_ws('/', replace({{ whole }}, '/', '%2F'), replace({{ part }}, '/', '%2F'))
{%- endmacro %}
