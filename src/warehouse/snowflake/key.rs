//! Private keys as people have them, into the one form that `snowflake-jwt` reads.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use pkcs8::{DecodePrivateKey, EncodePrivateKey, EncodePublicKey, LineEnding};
use rsa::RsaPrivateKey;
use rsa::pkcs1::DecodeRsaPrivateKey;
use sha2::{Digest, Sha256};

use super::settings::Secret;

/// A private key, decrypted.
#[derive(Clone)]
pub(super) struct Key {
    /// PKCS#8 in PEM, unencrypted.
    pub(super) pem: Secret,
    /// Of its public half: `SHA256:…`, as `DESCRIBE USER` shows it in `RSA_PUBLIC_KEY_FP`.
    pub(super) fingerprint: String,
}

/// Reads a key: PEM (PKCS#8, encrypted or not, or PKCS#1), or DER in base64.
///
/// What it says about a bad key holds nothing of the key.
pub(super) fn read(text: &Secret, passphrase: Option<&Secret>) -> Result<Key, String> {
    // A key that came through a variable or a YAML text may have its line ends spelt out.
    let text = text.expose().trim().replace("\\n", "\n");
    let key = parse(&text, passphrase)?;
    let unreadable = |_| "the private key cannot be written as PKCS#8".to_owned();
    let public = key
        .to_public_key()
        .to_public_key_der()
        .map_err(|_| "the private key has no readable public half".to_owned())?;
    Ok(Key {
        pem: Secret::new(key.to_pkcs8_pem(LineEnding::LF).map_err(unreadable)?.to_string()),
        fingerprint: format!("SHA256:{}", BASE64.encode(Sha256::digest(public.as_bytes()))),
    })
}

fn parse(text: &str, passphrase: Option<&Secret>) -> Result<RsaPrivateKey, String> {
    let begins = |label: &str| text.contains(&format!("-----BEGIN {label}-----"));
    if text.is_empty() {
        return Err("the private key is empty".to_owned());
    }
    let damaged = "the private key is damaged: not all of the PEM text is there, or its lines ran \
                   into one, or it is not an RSA key";
    if begins("ENCRYPTED PRIVATE KEY") {
        let passphrase = passphrase.filter(|p| !p.expose().is_empty()).ok_or(
            "the private key is encrypted: give its passphrase (`private_key_passphrase`)",
        )?;
        let (_, document) =
            pkcs8::SecretDocument::from_pem(text).map_err(|_| damaged.to_owned())?;
        return RsaPrivateKey::from_pkcs8_encrypted_der(
            document.as_bytes(),
            passphrase.expose().as_bytes(),
        )
        .map_err(|_| {
            "the private key cannot be decrypted: the passphrase is wrong, or the cipher is none \
             that PKCS#8 keys have today"
                .to_owned()
        });
    }
    if begins("PRIVATE KEY") {
        return RsaPrivateKey::from_pkcs8_pem(text).map_err(|_| damaged.to_owned());
    }
    if begins("RSA PRIVATE KEY") {
        if text.contains("Proc-Type:") {
            return Err(convert("is encrypted in OpenSSL's old format"));
        }
        return RsaPrivateKey::from_pkcs1_pem(text).map_err(|_| damaged.to_owned());
    }
    if begins("PUBLIC KEY") || begins("RSA PUBLIC KEY") {
        return Err("that is the public key; the private one is needed here".to_owned());
    }
    if text.contains("-----BEGIN") {
        return Err(convert("is in a format that Snowflake does not use"));
    }
    let packed: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    let der = BASE64.decode(packed).map_err(
        |_| "the private key is neither PEM (`-----BEGIN PRIVATE KEY-----`) nor DER in base64",
    )?;
    let encrypted = passphrase
        .and_then(|p| RsaPrivateKey::from_pkcs8_encrypted_der(&der, p.expose().as_bytes()).ok());
    encrypted
        .or_else(|| RsaPrivateKey::from_pkcs8_der(&der).ok())
        .or_else(|| RsaPrivateKey::from_pkcs1_der(&der).ok())
        .ok_or_else(|| {
            "the private key in base64 is no RSA key in DER, or is encrypted with another passphrase"
                .to_owned()
        })
}

fn convert(what: &str) -> String {
    format!(
        "the private key {what}; `openssl pkcs8 -topk8 -in OLD -out NEW.p8` writes it as PKCS#8 \
         (an OpenSSH key: first `ssh-keygen -p -m PEM -f OLD`)"
    )
}
