//! TLS as libpq's `sslmode` and its fellows mean it (PostgreSQL, "SSL Support" of libpq).

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
};
use tokio_postgres_rustls::MakeRustlsConnect;

/// libpq's `sslmode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// Never.
    Disable,
    /// Only where the server wants nothing else.
    Allow,
    /// Where the server can.
    Prefer,
    /// Always; whose server it is is not asked, unless there are root certificates.
    Require,
    /// A server whose certificate somebody we trust has signed.
    VerifyCa,
    /// And whose certificate is of the host that we asked for.
    VerifyFull,
}

impl Mode {
    fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "disable" => Self::Disable,
            "allow" => Self::Allow,
            "prefer" => Self::Prefer,
            "require" => Self::Require,
            "verify-ca" => Self::VerifyCa,
            "verify-full" => Self::VerifyFull,
            _ => return None,
        })
    }
}

/// What a URL or a profile says, as it says it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) sslmode: Option<String>,
    pub(super) sslrootcert: Option<PathBuf>,
    pub(super) sslcert: Option<PathBuf>,
    pub(super) sslkey: Option<PathBuf>,
}

/// What libpq looks at besides: its variables, and the home folder's `.postgresql`.
pub(super) struct Beside<'v> {
    pub(super) variable: &'v dyn Fn(&str) -> Option<String>,
    pub(super) home: Option<PathBuf>,
}

/// Ready to connect with.
#[derive(Clone)]
pub(super) struct Tls {
    pub(super) mode: Mode,
    pub(super) connector: MakeRustlsConnect,
}

impl Wanted {
    /// Reads the files that it names.
    pub(super) fn prepare(&self, beside: &Beside<'_>) -> Result<Tls, String> {
        let variable = |name: &str| (beside.variable)(name).filter(|value| !value.is_empty());
        let given = |path: &Option<PathBuf>, name: &str| {
            let set = path.clone().filter(|path| !path.as_os_str().is_empty());
            set.or_else(|| variable(name).map(PathBuf::from))
        };
        let rootcert = given(&self.sslrootcert, "PGSSLROOTCERT");
        let system = rootcert.as_deref() == Some(Path::new("system"));
        let word = self.sslmode.clone().filter(|mode| !mode.is_empty());
        let mode = match word.or_else(|| variable("PGSSLMODE")) {
            Some(word) => Mode::parse(&word).ok_or_else(|| {
                format!(
                    "sslmode is {word:?}; it may be disable, allow, prefer, require, verify-ca or \
                     verify-full"
                )
            })?,
            None if system => Mode::VerifyFull,
            None => Mode::Prefer,
        };
        if mode == Mode::Disable {
            return Ok(Tls { mode, connector: connector(None, false, None)? });
        }
        if system && mode != Mode::VerifyFull {
            return Err("sslrootcert=system trusts every public authority, so it takes \
                        sslmode=verify-full"
                .to_owned());
        }
        let at_home = |name: &str| {
            let file = beside.home.as_ref()?.join(".postgresql").join(name);
            file.exists().then_some(file)
        };
        let roots = if system {
            Some(of_system()?)
        } else {
            rootcert.or_else(|| at_home("root.crt")).map(|path| certificates(&path)).transpose()?
        };
        if roots.is_none() && matches!(mode, Mode::VerifyCa | Mode::VerifyFull) {
            return Err("there are no root certificates to verify the server's with: give \
                        sslrootcert a file, or sslrootcert=system, or put them in \
                        ~/.postgresql/root.crt"
                .to_owned());
        }
        let cert = given(&self.sslcert, "PGSSLCERT").or_else(|| at_home("postgresql.crt"));
        let key = given(&self.sslkey, "PGSSLKEY").or_else(|| at_home("postgresql.key"));
        let client = match (cert, key) {
            (None, _) => None,
            (Some(cert), Some(key)) => Some((certificates(&cert)?, private_key(&key)?)),
            (Some(cert), None) => {
                return Err(format!("the certificate {} has no sslkey", cert.display()));
            }
        };
        Ok(Tls { mode, connector: connector(roots, mode == Mode::VerifyFull, client)? })
    }
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let told = |why: &str| format!("the certificate {}: {why}", path.display());
    let bytes = std::fs::read(path).map_err(|error| told(&error.to_string()))?;
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    let read = read.map_err(|_| told("it is no certificate in PEM"))?;
    if read.is_empty() {
        return Err(told("there is no certificate in PEM in it"));
    }
    Ok(read)
}

fn of_system() -> Result<Vec<CertificateDer<'static>>, String> {
    let found = rustls_native_certs::load_native_certs();
    if found.certs.is_empty() {
        let why = found.errors.first().map(|error| format!(": {error}")).unwrap_or_default();
        return Err(format!("this system has no root certificates that can be read{why}"));
    }
    Ok(found.certs)
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, String> {
    let told = |why: &str| format!("the private key {}: {why}", path.display());
    let bytes = std::fs::read(path).map_err(|error| told(&error.to_string()))?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let file = std::fs::metadata(path).map_err(|error| told(&error.to_string()))?;
        // As libpq: nobody else may read it; root's may be read by a group.
        let others = if file.uid() == 0 { 0o037 } else { 0o077 };
        if file.mode() & others != 0 {
            return Err(told("others may read it; run chmod 600 on it"));
        }
    }
    // What the parser says may quote the file.
    PrivateKeyDer::from_pem_slice(&bytes)
        .map_err(|_| told("it is no private key in PEM, or it is encrypted"))
}

fn connector(
    roots: Option<Vec<CertificateDer<'static>>>,
    name: bool,
    client: Option<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)>,
) -> Result<MakeRustlsConnect, String> {
    let provider = Arc::new(ring::default_provider());
    let trust = roots.map(Trust::of).transpose()?;
    let verifier = Verifier { trust, name, provider: Arc::clone(&provider) };
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier));
    let config = match client {
        Some((chain, key)) => config
            .with_client_auth_cert(chain, key)
            .map_err(|error| format!("the certificate of the client: {error}"))?,
        None => config.with_no_client_auth(),
    };
    Ok(MakeRustlsConnect::new(config))
}

/// Whom we trust.
#[derive(Debug)]
struct Trust {
    store: RootCertStore,
    exact: Vec<CertificateDer<'static>>,
}

impl Trust {
    fn of(roots: Vec<CertificateDer<'static>>) -> Result<Self, String> {
        let mut store = RootCertStore::empty();
        let (added, _) = store.add_parsable_certificates(roots.iter().cloned());
        if added == 0 {
            return Err("none of the root certificates can be used".to_owned());
        }
        Ok(Self { store, exact: roots })
    }
}

/// Asks about a server's certificate as much as the mode wants.
#[derive(Debug)]
struct Verifier {
    /// `None`: any certificate will do.
    trust: Option<Trust>,
    /// It must be of the host that was asked for.
    name: bool,
    provider: Arc<CryptoProvider>,
}

impl Verifier {
    /// The roots whose dates hold, as OpenSSL asks; the library below takes a root for no more than
    /// a name and a key. Read as a server's certificate, its dates are what is looked at first.
    fn in_force(&self, trust: &Trust, now: UnixTime) -> Result<RootCertStore, Error> {
        let mut store = RootCertStore::empty();
        let mut ended = None;
        for root in &trust.exact {
            let dated = ParsedCertificate::try_from(root).and_then(|certificate| {
                verify_server_cert_signed_by_trust_anchor(
                    &certificate,
                    &trust.store,
                    &[],
                    now,
                    self.provider.signature_verification_algorithms.all,
                )
            });
            match dated {
                Err(Error::InvalidCertificate(
                    why @ (CertificateError::Expired
                    | CertificateError::ExpiredContext { .. }
                    | CertificateError::NotValidYet
                    | CertificateError::NotValidYetContext { .. }),
                )) => ended = Some(why),
                _ => {
                    store.add_parsable_certificates([root.clone()]);
                }
            }
        }
        match ended {
            Some(why) if store.is_empty() => Err(Error::InvalidCertificate(why)),
            _ => Ok(store),
        }
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Some(trust) = &self.trust else { return Ok(ServerCertVerified::assertion()) };
        let certificate = ParsedCertificate::try_from(end_entity)?;
        let store = self.in_force(trust, now)?;
        let signed = verify_server_cert_signed_by_trust_anchor(
            &certificate,
            &store,
            intermediates,
            now,
            self.provider.signature_verification_algorithms.all,
        );
        if let Err(error) = signed {
            // A certificate that signs itself, as `openssl req -x509` makes it, calls itself an
            // authority. Where it is in the file of roots it is trusted, as OpenSSL has it. When
            // this is found, its dates have been looked at already.
            let its_own_authority = format!("{error:?}").contains("CaUsedAsEndEntity");
            if !its_own_authority || !trust.exact.iter().any(|root| root == end_entity) {
                return Err(error);
            }
        }
        if self.name {
            verify_server_name(&certificate, server_name)?;
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, cert, dss, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, cert, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prepared(wanted: &Wanted, variables: &[(&str, &str)]) -> Result<Mode, String> {
        let variable = |name: &str| {
            variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        };
        wanted.prepare(&Beside { variable: &variable, home: None }).map(|tls| tls.mode)
    }

    fn mode(word: &str) -> Wanted {
        Wanted { sslmode: Some(word.to_owned()), ..Wanted::default() }
    }

    #[test]
    fn without_a_word_libpq_s_variable_decides_and_else_tls_is_preferred() {
        let none = Wanted::default();
        assert_eq!(prepared(&none, &[]), Ok(Mode::Prefer));
        assert_eq!(prepared(&none, &[("PGSSLMODE", "require")]), Ok(Mode::Require));
        assert_eq!(prepared(&none, &[("PGSSLMODE", "")]), Ok(Mode::Prefer));
        assert_eq!(prepared(&mode("disable"), &[("PGSSLMODE", "require")]), Ok(Mode::Disable));
        assert!(prepared(&mode("yes"), &[]).unwrap_err().contains("verify-full"));
    }

    #[test]
    fn what_verifies_needs_somebody_to_trust() {
        for word in ["verify-ca", "verify-full"] {
            assert!(prepared(&mode(word), &[]).unwrap_err().contains("sslrootcert"));
        }
        let missing = Wanted { sslrootcert: Some("/no/such.crt".into()), ..mode("require") };
        assert!(prepared(&missing, &[]).unwrap_err().contains("/no/such.crt"));
        let weak = Wanted { sslrootcert: Some("system".into()), ..mode("require") };
        assert!(prepared(&weak, &[]).unwrap_err().contains("verify-full"));
        // Never read where TLS is never spoken.
        let unused = Wanted { sslrootcert: Some("/no/such.crt".into()), ..mode("disable") };
        assert_eq!(prepared(&unused, &[]), Ok(Mode::Disable));
    }
}
