//! What the workers of a namespace are called on the network: a service type of DNS-SD. A contract with Python wool.

use super::md5;

/// `_wool._tcp.local.`, or with a namespace `_wool-<h>._tcp.local.`, where `<h>` are the first six hexadecimal digits of
/// its MD5. Namespaces that share these are told apart by the records.
pub(super) fn service_type(namespace: Option<&str>) -> String {
    let Some(namespace) = namespace else {
        return "_wool._tcp.local.".to_owned();
    };
    let [first, second, third, ..] = md5::digest(namespace.as_bytes());
    format!("_wool-{first:02x}{second:02x}{third:02x}._tcp.local.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_those_of_python_wool() {
        assert_eq!(service_type(None), "_wool._tcp.local.");
        for (namespace, name) in [
            ("interop", "_wool-7bda67._tcp.local."),
            ("production", "_wool-fd8978._tcp.local."),
            ("Größe 📏", "_wool-7c2618._tcp.local."),
        ] {
            assert_eq!(service_type(Some(namespace)), name);
        }
    }
}
