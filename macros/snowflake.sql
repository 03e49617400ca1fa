{# to come #}
