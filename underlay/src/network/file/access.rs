//! Who may use the network.

use plan::{LinkKind, MacvlanMode};

use super::{
    MAX_KUBERNETES_NAMESPACES,
    fault::Fault,
    field,
    item::{Findings, Item},
};
use crate::network::{Access, KubernetesNamespace};

pub(super) fn access(item: Option<Item>, driver: Option<LinkKind>, findings: &mut Findings) -> Access {
    let defaults = Access::default();
    let Some(mut fields) = item.and_then(|item| item.fields(field::ACCESS, findings)) else {
        return defaults;
    };
    let namespaces = fields.take("kubernetes_namespaces").map(|list| {
        let items = list.list(MAX_KUBERNETES_NAMESPACES, findings);
        items.into_iter().filter_map(|item| Some(item.parse(namespace, findings)?.value)).collect()
    });
    let is_passthru = matches!(driver, None | Some(LinkKind::Macvlan { mode: MacvlanMode::Passthru }));
    let passthru = fields.take("passthru");
    if let Some(item) = passthru.as_ref().filter(|_| !is_passthru) {
        findings
            .mistake(&item.place, Fault::Unfit("it is about mode passthru, and this network is in another"));
    }
    let mut flag = |item: Option<Item>, default| item.and_then(|item| item.flag(findings)).unwrap_or(default);
    Access {
        kubernetes_namespaces: namespaces,
        fixed_addresses: flag(fields.take("fixed_addresses"), defaults.fixed_addresses),
        fixed_macs: flag(fields.take("fixed_macs"), defaults.fixed_macs),
        passthru: flag(passthru, defaults.passthru),
    }
}

fn namespace(text: &str) -> Result<KubernetesNamespace, Fault> {
    text.parse().map_err(|_| Fault::KubernetesNamespace(text.to_owned()))
}
