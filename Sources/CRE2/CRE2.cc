#include "CRE2.h"

#include <re2/re2.h>

#include <algorithm>
#include <cstring>
#include <new>
#include <vector>

struct cre2_pattern {
    re2::RE2 expression;
    cre2_pattern(const re2::StringPiece &text, const re2::RE2::Options &options) : expression(text, options) {}
};

extern "C" {

cre2_pattern *cre2_compile(const char *pattern, size_t length, size_t memory_limit, int *error, char *part,
                            size_t capacity) {
    re2::RE2::Options options;
    options.set_log_errors(false);
    options.set_dot_nl(true);
    options.set_max_mem(static_cast<int64_t>(memory_limit));
    auto *compiled = new (std::nothrow) cre2_pattern(re2::StringPiece(pattern, length), options);
    if (compiled != nullptr && compiled->expression.ok()) return compiled;
    *error = compiled != nullptr ? compiled->expression.error_code() : 0;
    const std::string about = compiled != nullptr ? compiled->expression.error_arg() : "";
    if (capacity > 0) {
        size_t count = std::min(capacity - 1, about.size());
        std::memcpy(part, about.data(), count);
        part[count] = 0;
    }
    delete compiled;
    return nullptr;
}

void cre2_free(cre2_pattern *pattern) { delete pattern; }

bool cre2_full_match(const cre2_pattern *pattern, const char *text, size_t length) {
    return pattern->expression.Match(re2::StringPiece(text, length), 0, length, re2::RE2::ANCHOR_BOTH, nullptr, 0);
}

bool cre2_partial_match(const cre2_pattern *pattern, const char *text, size_t length) {
    return pattern->expression.Match(re2::StringPiece(text, length), 0, length, re2::RE2::UNANCHORED, nullptr, 0);
}

int cre2_group_count(const cre2_pattern *pattern) { return pattern->expression.NumberOfCapturingGroups(); }

int cre2_group_index(const cre2_pattern *pattern, const char *name, size_t length) {
    const auto &groups = pattern->expression.NamedCapturingGroups();
    auto found = groups.find(std::string(name, length));
    return found == groups.end() ? -1 : found->second;
}

bool cre2_match(const cre2_pattern *pattern, const char *text, size_t length, size_t start, bool anchor_both,
                ptrdiff_t *offsets, int capacity) {
    int count = std::min(capacity, pattern->expression.NumberOfCapturingGroups() + 1);
    std::vector<re2::StringPiece> groups(static_cast<size_t>(count));
    auto anchor = anchor_both ? re2::RE2::ANCHOR_BOTH : re2::RE2::UNANCHORED;
    if (!pattern->expression.Match(re2::StringPiece(text, length), start, length, anchor, groups.data(), count)) return false;
    for (int index = 0; index < capacity; index++) {
        bool present = index < count && groups[static_cast<size_t>(index)].data() != nullptr;
        offsets[2 * index] = present ? groups[static_cast<size_t>(index)].data() - text : -1;
        offsets[2 * index + 1] =
            present ? offsets[2 * index] + static_cast<ptrdiff_t>(groups[static_cast<size_t>(index)].size()) : -1;
    }
    return true;
}
}
