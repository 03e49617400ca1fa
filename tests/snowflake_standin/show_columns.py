"""The columns of SHOW <objects>, by what is shown; `:ts` is a timestamp, `:n` a number.

From the page of each command.
"""

_COLUMNS = {
    "ROLE": """
        created_on:ts name is_default is_current is_inherited assigned_to_users:n
        granted_to_roles:n granted_roles:n owner comment
    """,
    "DATABASE ROLE": """
        created_on:ts name is_default is_current is_inherited granted_to_roles:n
        granted_to_database_roles:n granted_database_roles:n owner comment owner_role_type
    """,
    "USER": """
        name created_on:ts login_name display_name first_name last_name email mins_to_unlock
        days_to_expiry comment disabled must_change_password snowflake_lock
        default_warehouse default_namespace default_role default_secondary_roles
        ext_authn_duo ext_authn_uid mins_to_bypass_mfa owner last_success_login:ts
        expires_at_time:ts locked_until_time:ts has_password has_rsa_public_key type has_mfa
    """,
    "WAREHOUSE": """
        name state type size min_cluster_count:n max_cluster_count:n started_clusters:n
        running:n queued:n is_default is_current auto_suspend:n auto_resume available
        provisioning quiescing other created_on:ts resumed_on:ts updated_on:ts owner comment
        enable_query_acceleration query_acceleration_max_scale_factor:n resource_monitor
        scaling_policy owner_role_type
    """,
    "DATABASE": """
        created_on:ts name is_default is_current origin owner comment options retention_time
        kind budget owner_role_type
    """,
    "SCHEMA": """
        created_on:ts name is_default is_current database_name owner comment options
        retention_time owner_role_type budget
    """,
    "OBJECTS": """
        created_on:ts name database_name schema_name kind comment cluster_by rows:n bytes:n
        owner retention_time owner_role_type budget is_hybrid is_dynamic is_iceberg
    """,
    "TABLE": """
        created_on:ts name database_name schema_name kind comment cluster_by rows:n bytes:n
        owner retention_time automatic_clustering change_tracking is_external
        owner_role_type budget is_hybrid is_iceberg is_dynamic
    """,
    "COLUMNS": """
        table_name schema_name column_name data_type null? default kind expression comment
        database_name autoincrement
    """,
    "KEYS": """
        created_on:ts database_name schema_name table_name column_name
    """,
    "FUNCTION": """
        created_on:ts name schema_name is_builtin is_aggregate is_ansi min_num_arguments:n
        max_num_arguments:n arguments description catalog_name is_table_function
        valid_for_clustering is_secure
        secrets external_access_integrations is_external_function language is_memoizable
        is_data_metric
    """,
    "PROCEDURE": """
        created_on:ts name schema_name is_builtin is_aggregate is_ansi min_num_arguments:n
        max_num_arguments:n arguments description catalog_name is_table_function
        valid_for_clustering is_secure
        secrets external_access_integrations
    """,
    "STAGE": """
        created_on:ts name database_name schema_name url has_credentials has_encryption_key owner
        comment region type cloud notification_channel storage_integration endpoint
        owner_role_type directory_enabled
    """,
    "TASK": """
        created_on:ts name id database_name schema_name owner comment warehouse schedule
        predecessors state definition condition allow_overlapping_execution owner_role_type
    """,
    "other": """
        created_on:ts name database_name schema_name owner comment kind owner_role_type
    """,
    "terse": """
        created_on:ts name kind database_name schema_name
    """,
}


def of(kind, terse=False):
    """The columns of SHOW for a kind of object."""
    return _COLUMNS["terse" if terse else kind if kind in _COLUMNS else "other"].split()
