{#- Identifiers as they are compared. Each macro takes an expression; what says nothing gives NULL. -#}

{#- Words without case, accents and punctuation, a blank between them; letters that have no accent to lose, too. -#}
{% macro plain_words(expression) -%}
    nullif(
        trim(
            regexp_replace(
                replace(replace(replace(
                    translate(strip_accents(lower({{ expression }})), 'øłđðıþ', 'olddit'),
                    'ß', 'ss'), 'æ', 'ae'), 'œ', 'oe'),
                '[^\p{L}\p{N}]+', ' ', 'g'
            )
        ), ''
    )
{%- endmacro %}

{#- The same without what abbreviates: G.m.b.H. is gmbh, Sp. z o.o. is sp z oo. -#}
{% macro plain_name(expression) -%}
    {{ plain_words("regexp_replace(" ~ expression ~ ", '[.''’`´]', '', 'g')") }}
{%- endmacro %}

{#- An address as it is compared: NULL where it can't be one. -#}
{% macro email_key(expression) -%}
    nullif(
        regexp_extract(
            lower(nfc_normalize(trim({{ expression }}))),
            '^(?:mailto:)?([^@\s<>,;"]+@[^@\s<>,;"]+\.[^@\s<>,;".]{2,})$', 1
        ), ''
    )
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
