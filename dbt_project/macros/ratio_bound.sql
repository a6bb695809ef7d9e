{#-
    The 95 % interval of a ratio of two sums over customers, as `nrr` = sum(end) / sum(start): the ratio's linearised
    variance (Cochran 1977, Sampling Techniques, 6.2), from the sums of squares and products that the row holds. NULL
    below two customers, and where all have the same ratio: that nobody of a few was lost doesn't show that nobody
    will be.

    part: such as `end` or `kept`, of which the columns `<part>_squares` and `<part>_products` are. base: what it is a
    part of, with `<base>_amount`, `<base>_squares` and `<base>_customer_count`. least, most: what the ratio can't
    leave, or none.
-#}
{% macro ratio_low(ratio, part, base='start', least=0) -%}
    {%- set bound = _ratio_bound(ratio, part, base, -1) -%}
    {%- set bound = bound if least is none else 'greatest(' ~ bound ~ ', ' ~ least ~ ')' -%}
    {{ _where_they_differ(ratio, part, base, bound) }}
{%- endmacro %}

{% macro ratio_high(ratio, part, base='start', most=none) -%}
    {%- set bound = _ratio_bound(ratio, part, base, 1) -%}
    {%- set bound = bound if most is none else 'least(' ~ bound ~ ', ' ~ most ~ ')' -%}
    {{ _where_they_differ(ratio, part, base, bound) }}
{%- endmacro %}

{#- Sums of doubles: what is left of them where all have one ratio is no difference. -#}
{% macro _where_they_differ(ratio, part, base, bound) -%}
    case
        when
            {{ base }}_customer_count > 1
            and {{ _ratio_squares(ratio, part, base) }} > 1e-12 * {{ base }}_squares
            then {{ bound }}
    end
{%- endmacro %}

{% macro _ratio_bound(ratio, part, base, side) -%}
    {{ ratio }} + {{ side }} * 1.959963984540054 * sqrt(
        {{ _ratio_squares(ratio, part, base) }} * {{ base }}_customer_count / ({{ base }}_customer_count - 1)
    ) / {{ base }}_amount
{%- endmacro %}

{% macro _ratio_squares(ratio, part, base) -%}
    ({{ part }}_squares - 2 * {{ ratio }} * {{ part }}_products + {{ ratio }} * {{ ratio }} * {{ base }}_squares)
{%- endmacro %}

{#- The 95 % interval of a mean over customers, at least 0; NULL as above. part: of which `<part>_squares` and
    `<part>_customer_count` are. -#}
{% macro mean_low(mean, part) -%}
    {{ _mean_bound(mean, part, -1) }}
{%- endmacro %}

{% macro mean_high(mean, part) -%}
    {{ _mean_bound(mean, part, 1) }}
{%- endmacro %}

{% macro _mean_bound(mean, part, side) -%}
    {%- set n = part ~ '_customer_count' -%}
    {%- set squares = '(' ~ part ~ '_squares - ' ~ n ~ ' * ' ~ mean ~ ' * ' ~ mean ~ ')' -%}
    case
        when {{ n }} > 1 and {{ squares }} > 1e-12 * {{ part }}_squares
            then greatest({{ mean }} + {{ side }} * 1.959963984540054 * sqrt({{ squares }} / ({{ n }} * ({{ n }} - 1))), 0)
    end
{%- endmacro %}
