#include "CShippedRules.h"

static const cshipped_rule rules[] = {
    {"", (const unsigned char *)"", 0},
};

const size_t cshipped_rule_count = 0;

const cshipped_rule *cshipped_rule_table(void) { return rules; }
