/* All that weftctl can do, in the order of its help. Main thread.
 * Must not know how any of it is done.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "weftctl/verbs.h"

#include "weftctl/validate/analyze.h"
#include "weftctl/install/bug_report.h"
#include "weftctl/check/check.h"
#include "weftctl/show/compile_show.h"
#include "weftctl/completion.h"
#include "weftctl/show/config_show.h"
#include "weftctl/install/crds.h"
#include "weftctl/explain/explain_show.h"
#include "weftctl/inject_run.h"
#include "weftctl/install/install.h"
#include "weftctl/show/proxy_status.h"
#include "weftctl/show/reference_show.h"
#include "weftctl/install/uninstall.h"
#include "weftctl/validate/validate.h"
#include "weftctl/show/version_show.h"

const struct verb verbs_all[] = {
    {"install", "put Weft into a cluster, or change it there", install_run,
     "--ingress --image --replicas --cluster-domain --timeout --no-wait --dry-run --kubeconfig "
     "--context"},
    {"uninstall", "take it out again", uninstall_run,
     "--crds --yes --dry-run --kubeconfig --context"},
    {"check", "is the cluster fit for it, and does it work", check_run,
     "--pre --list --output --kubeconfig --context"},
    {"proxy-status", "which sidecars and gateways are up to date", proxy_status_run,
     "--namespace --all-namespaces --output --kubeconfig --context"},
    {"bug-report", "pack what helps to see what is wrong, without secrets", bug_report_run,
     "--file --sidecars --kubeconfig --context"},
    {"inject", "put sidecars into the pods of a file", inject_run,
     "--file --namespace --image --classic --discovery --certd --trust-domain --cluster-domain"},
    {"validate", "check a folder or file of policies", validate_run,
     "--output --strict --filename"},
    {"analyze", "find what is wrong with the objects of a cluster or folder", analyze_run,
     "--namespace --all-namespaces --policies --filename --fail-on --suppress --codes --output "
     "--kubeconfig"},
    {"explain", "say what becomes of a request, and why", explain_show_run,
     "--from --namespace --header --client-ip --policies --kubeconfig --context --output "
     "--verbose"},
    {"config", "show the compiled configuration of a workload or gateway", config_show_run,
     "--namespace --own --policies --kubeconfig --context --output"},
    {"compile", "show what one workload or gateway gets from a folder", compile_show_run,
     "--namespace --pod --gateway --trust-domain"},
    {"version", "of this program and of what is installed", version_show_run,
     "--client --output --kubeconfig --context"},
    {"reference", "every field of every kind, as a page", reference_show_run, ""},
    {"crds", "what Kubernetes must be told of our kinds", crds_run, "--into"},
    {"completion", "print the completion for a shell: bash, zsh or fish", completion_run, ""},
};

const size_t verbs_count = sizeof(verbs_all) / sizeof(verbs_all[0]);
