//! What a configuration may say and surely does not mean.

use std::collections::BTreeSet;

use super::{Action, Components, Config, Limits, Login, Match, Realm, Role};

impl Config {
    /// A sentence for everything that is legal and surely not meant, each with its key.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let mut told = Vec::new();
        self.warn_of_sections(&mut told);
        warn_of_limits(&self.limits, &mut told);
        let is_reachable = self.is_reachable();
        for realm in &self.realms {
            warn_of_realm(realm, is_reachable, &mut told);
        }
        told.extend(self.actions.iter().flat_map(|action| action.warnings()));
        let takes_certificates = |realm: &Realm| {
            let is_named = realm.principals.iter().any(|it| it.login == Login::Tls);
            let mut asked = realm.authenticators.iter().flat_map(|it| &it.methods);
            is_named || realm.certified.is_some() || asked.any(|method| *method == wamp::auth::Method::Tls)
        };
        if self.tls.client_ca.is_none() {
            let without = self.realms.iter().filter(|realm| takes_certificates(realm));
            told.extend(without.map(|realm| {
                format!(
                    "realm \"{}\": clients are to log in by method = \"tls\", and there is no [tls] client_ca: no certificate is asked \
                     for, and nobody can",
                    realm.name
                )
            }));
        } else if !self.realms.iter().any(takes_certificates) {
            told.push("[tls] client_ca is there, and no realm has a principal with method = \"tls\": no certificate lets anybody in".into());
        }
        told
    }

    /// Whether others on the network reach this daemon.
    fn is_reachable(&self) -> bool {
        let mut addresses = self.listen.tcp.iter().chain(&self.listen.quic);
        addresses.any(|address| !address.ip().is_loopback())
    }

    fn warn_of_sections(&self, told: &mut Vec<String>) {
        if !self.desktop.enabled {
            if self.realms.is_empty() {
                told.push("[desktop] enabled is false and there is no [[realm]]: this daemon serves nothing".into());
            }
            if self.discovery.enabled {
                told.push("[discovery] enabled is true without a desktop: a plain router does not show itself".into());
            }
        } else if self.discovery.enabled && !self.listen.tcp.iter().any(|address| !address.ip().is_loopback()) {
            told.push(
                "[discovery] is enabled and [listen] tcp has no address that the network reaches: nothing is shown"
                    .into(),
            );
        }
        let both = self
            .discovery
            .allow
            .iter()
            .filter(|it| self.discovery.deny.contains(it));
        told.extend(both.map(|it| format!("[discovery] allow and deny both name \"{it}\": it is not used")));
        if let Components::Only(names) = &self.desktop.components
            && names.is_empty()
            && self.desktop.enabled
        {
            told.push("[desktop] components is an empty list: the desktop offers no functions".into());
        }
        for address in self.metrics.listen.iter().filter(|address| !address.ip().is_loopback()) {
            told.push(format!(
                "[metrics] listen has {address}, which is not of this machine alone: everybody who reaches it reads the figures"
            ));
        }
        if self.compat.plain_devices {
            told.push("[compat] plain_devices is true: paired devices may log in where others listen".into());
        }
    }
}

fn warn_of_limits(limits: &Limits, told: &mut Vec<String>) {
    if let (Some(ping), Some(dead)) = (limits.ping_time, limits.dead_time)
        && ping >= dead
    {
        told.push("[limits] ping_s is not less than dead_s: peers count as lost before they are asked".into());
    }
    for (part, whole, of, all) in [
        ("sessions_per_ip", "sessions", limits.sessions_per_ip, limits.sessions),
        (
            "unauthenticated_per_ip",
            "unauthenticated",
            limits.unauthenticated_per_ip,
            limits.unauthenticated,
        ),
    ] {
        if let (Some(of), Some(all)) = (of, all)
            && of > all
        {
            told.push(format!(
                "[limits] {part} is more than {whole}, which is all there can be"
            ));
        }
    }
    if limits.message_bytes_before_auth > limits.message_bytes {
        told.push("[limits] message_bytes_before_auth is more than message_bytes: strangers may send longer messages than others".into());
    }
}

fn warn_of_realm(realm: &Realm, is_reachable: bool, told: &mut Vec<String>) {
    let name = &realm.name;
    let is_had = |role: &&Role| {
        let principals = realm.principals.iter().map(|it| &it.role);
        let mut known = principals.chain(&realm.anonymous).chain(&realm.certified);
        known.any(|it| *it == role.name) || realm.authenticators.iter().any(|it| it.roles.contains(&role.name))
    };
    let unused = realm.roles.iter().filter(|role| !is_had(role));
    told.extend(unused.map(|role| format!("realm \"{name}\": nobody has the role \"{}\"", role.name)));
    for role in &realm.roles {
        warn_of_role(name, role, told);
    }
    let anonymous = realm
        .roles
        .iter()
        .find(|role| Some(&role.name) == realm.anonymous.as_ref());
    if is_reachable && anonymous.is_some_and(allows_everything) {
        told.push(format!(
            "realm \"{name}\": whoever reaches this daemon on the network may do everything, without proof; listen on loopback \
             alone, or give the role \"anonymous\" less"
        ));
    }
}

fn warn_of_role(realm: &str, role: &Role, told: &mut Vec<String>) {
    let mut seen = BTreeSet::new();
    for rule in &role.rules {
        let matching = rule.matching.name();
        if !seen.insert((&rule.uri, matching)) {
            told.push(format!(
                "realm \"{realm}\", role \"{}\": there are two rules for \"{}\" with match = \"{matching}\"",
                role.name, rule.uri
            ));
        }
    }
    if role.rules.is_empty() && role.authorizer.is_none() && !role.is_link {
        told.push(format!("realm \"{realm}\": the role \"{}\" may do nothing", role.name));
    }
}

fn allows_everything(role: &Role) -> bool {
    let all = [Action::Call, Action::Register, Action::Publish, Action::Subscribe];
    let is_whole = |rule: &super::Rule| rule.uri.is_empty() && rule.matching == Match::Prefix;
    role.rules
        .iter()
        .any(|rule| is_whole(rule) && all.iter().all(|it| rule.allow.contains(it)))
}
