#include "CShippedRules.h"

static const unsigned char containers_yml[] = {
#embed "../../rules/containers.yml"
};
static const unsigned char hosts_yml[] = {
#embed "../../rules/hosts.yml"
};
static const unsigned char targets_yml[] = {
#embed "../../rules/targets.yml"
};

static const cshipped_rule rules[] = {
    {"rules/containers.yml", containers_yml, sizeof containers_yml},
    {"rules/hosts.yml", hosts_yml, sizeof hosts_yml},
    {"rules/targets.yml", targets_yml, sizeof targets_yml},
};

const size_t cshipped_rule_count = sizeof rules / sizeof rules[0];

const cshipped_rule *cshipped_rule_table(void) { return rules; }
