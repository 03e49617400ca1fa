//! What the project wants of `profiles.yml`: the names that templates use, and a connection.

use super::{Places, Project};
use crate::config::{Connection, Environment, Located, template};
use crate::dbt::profiles::{Adapter, Lack, Output, Profiles, Surroundings, Text};
use crate::model::{Diagnostic, Diagnostics, DialectKind};
use crate::resolve::Target;

/// The dbt target that deploys an environment's models.
pub(super) fn deploying(environment: &Environment) -> Located<String> {
    let value = environment.target_name().to_owned();
    Located { value, place: environment.place.clone() }
}

/// A `target.*` value that the names of an environment's roles are made with, and that neither the
/// command line nor a profile says.
pub fn unknown_part(places: &Places, environment: &Environment) -> Option<&'static str> {
    let profiles = Profiles::look_up(&places.profiles, &places.project_dir, &Surroundings::real());
    let used = template::uses_target(&environment.role_name.value);
    // Asked of the profile only where a template asks.
    let Target { name: _, schema, database } =
        target(places, environment, &profiles, &mut Diagnostics::default());
    [("schema", schema), ("database", database)]
        .into_iter()
        .find(|(part, value)| used.contains(*part) && value.is_none())
        .map(|(part, _)| part)
}

/// What `target.*` means in an environment's templates: as the command line says, else as the
/// profile does, which is asked only where a template does.
pub(super) fn target(
    places: &Places,
    environment: &Environment,
    profiles: &Profiles,
    found: &mut Diagnostics,
) -> Target {
    let deploying = deploying(environment);
    let templates = [
        Some(&environment.role_name),
        environment.user_name.as_ref(),
        environment.group_name.as_ref(),
    ];
    let used = |part: &str| {
        let mut texts = templates.iter().flatten();
        texts.any(|text| template::uses_target(&text.value).contains(part))
    };
    let mut target = Target {
        name: deploying.value.clone(),
        schema: places.target_schema.clone(),
        database: places.target_database.clone(),
    };
    let schema = target.schema.is_none() && used("schema");
    let database = target.database.is_none() && used("database");
    if !schema && !database {
        return target;
    }
    let output = match profiles.output(None, &deploying) {
        Ok(output) => output,
        Err(Lack::Nothing(nothing)) => {
            found.push(
                Diagnostic::warning(
                    "no-profile",
                    format!("where the target {} deploys to is not known: {nothing}", target.name),
                )
                .with_help("give --target-schema and --target-database, or --profiles-dir")
                .with_place(environment.role_name.place.clone()),
            );
            return target;
        }
        Err(Lack::Wrong(wrong)) => {
            found.extend(wrong);
            return target;
        }
    };
    let mut open = |part: &str, text: Option<&Text>| {
        let text = text?;
        if text.is_secret() {
            let message = format!(
                "a template uses target.{part}, which comes from a DBT_ENV_SECRET_ variable: the \
                 names of roles would show it"
            );
            found.push(
                Diagnostic::error("secret-in-name", message)
                    .with_help(format!(
                        "give --target-{part}, or use another variable in profiles.yml"
                    ))
                    .with_place(environment.role_name.place.clone())
                    .with_also(output.place.clone(), "the output"),
            );
            return None;
        }
        Some(text.expose().to_owned())
    };
    if schema {
        target.schema = open("schema", output.schema.as_ref());
    }
    if database {
        target.database = open("database", output.database.as_ref());
    }
    target
}

impl Project {
    /// The output of `profiles.yml` to connect with: the environment's `connection`, and where it
    /// does not say, what deploys. It is of the project's dialect.
    pub fn connection(&self) -> Result<Output, Lack> {
        let Some(environment) = self.environment() else {
            return Err(Lack::Nothing("no environment is chosen".to_owned()));
        };
        let Connection { profile, target } = &environment.connection;
        let target = target.clone().unwrap_or_else(|| deploying(environment));
        let output = self.profiles.output(profile.as_ref(), &target)?;
        let speaks = match &output.adapter {
            Adapter::Postgres(_) => Some(DialectKind::Postgres),
            Adapter::Snowflake(_) => Some(DialectKind::Snowflake),
            Adapter::Other(_) => None,
        };
        if speaks == Some(self.dialect) {
            return Ok(output);
        }
        let kind = match (&output.adapter, speaks) {
            (Adapter::Other(kind), _) => kind.clone(),
            (_, speaks) => speaks.map(|kind| kind.to_string()).unwrap_or_default(),
        };
        let (profile, target) = (&output.profile, &output.target);
        Err(Lack::from(
            Diagnostic::error(
                "wrong-adapter",
                format!(
                    "the output {target} of the profile {profile} is of type {kind}, and access is \
                     planned for {}",
                    self.dialect
                ),
            )
            .with_help(
                "name another output in the environment's `connection`, or give --connection",
            )
            .with_place(output.place),
        ))
    }
}
