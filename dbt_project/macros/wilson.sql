{#- 95 % Wilson score interval of num/den (Wilson 1927), NULL where den is 0. Never below 0 or above 1, whatever n. -#}
{% macro wilson_low(num, den) -%}
    {{ _wilson_bound(num, den, '-') }}
{%- endmacro %}

{% macro wilson_high(num, den) -%}
    {{ _wilson_bound(num, den, '+') }}
{%- endmacro %}

{% macro _wilson_bound(num, den, sign) -%}
    {%- set z = 1.959963984540054 -%}
    case
        when {{ den }} > 0
            then greatest(0.0, least(1.0, round((
                {{ num }} + {{ z * z / 2 }}
                {{ sign }} {{ z }} * sqrt({{ num }} * ({{ den }} - {{ num }}) / {{ den }}::double + {{ z * z / 4 }})
            ) / ({{ den }} + {{ z * z }}), 12)))
    end
{%- endmacro %}
