#include "impl/gateway/sstp_sign_in.h"

#include "impl/crypto/algorithms.h"

namespace gatelab::gateway {
namespace {

// Of nobody: what a stranger's proof is judged by, so that it takes as long as a user's.
constexpr std::string_view kDecoy = "a password that opens nothing";

Bytes digest_of(std::string_view name) { return crypto::digest(crypto::Hash::Sha256, as_bytes(name)); }

std::string_view without_domain(std::string_view name) {
    const auto at = name.rfind('\\');
    return at == std::string_view::npos ? name : name.substr(at + 1);
}

}  // namespace

SstpSignIn::SstpSignIn(std::vector<ppp::Credentials> users) : users_(std::move(users)) {
    for (const auto& user : users_) names_.push_back(digest_of(user.name));
}

std::optional<SstpSignIn::Accepted> SstpSignIn::judge(const ppp::SignIn& shown) const {
    std::size_t who = users_.size();                                                      // nobody
    for (const auto name : {without_domain(shown.name), std::string_view{shown.name}}) {  // the whole name counts more
        const auto digest = digest_of(name);
        for (std::size_t i = 0; i < names_.size(); ++i) who = equal_in_constant_time(names_[i], digest) ? i : who;
    }
    const bool known = who < users_.size();
    auto success = ppp::judge(shown, known ? users_[who].name : shown.name,
                              known ? std::string_view{users_[who].password} : kDecoy);
    if (!known || !success) return {};
    return Accepted{users_[who].name, std::move(*success)};
}

}  // namespace gatelab::gateway
