// Do the rows agree?  docs/formats/directory.md
#include <unordered_map>
#include <unordered_set>

#include "auth/directory.h"
#include "auth/directory_rows.h"

namespace posthorn::auth {
namespace {

// What is wrong with the row of a DKIM key; empty is good.
std::string check_dkim_key(const kv::Row& row, const LocalAddress& name) {
  const auto what = "the DKIM key " + name.local + " of " + name.domain;
  const auto stored = rows::decode_dkim_key(row.key, row.value);
  if (!stored) return what + " cannot be read";
  if (stored->key.state == DkimKeyState::retired) return {};
  const auto key = crypto::SigningKey::from_pem(stored->private_key);
  if (!key || key->algorithm() != stored->key.algorithm || key->public_key() != stored->key.public_key) return what + " cannot sign";
  return {};
}

}  // namespace

Task<Result<std::vector<std::string>>> Directory::check() {
  const auto snapshot = kv_.snapshot();
  std::vector<std::string> problems;
  std::unordered_set<std::string> domains, accounts;
  std::unordered_map<std::string, std::string> address_of_id;  // by encoded id
  AccountId next(1);
  CO_TRY(const auto rows_found, co_await scan_all("", "", snapshot));
  for (const auto& row : rows_found) {
    if (row.key.front() == 'd') domains.insert(row.key.substr(1));
    if (row.key.front() == 'i') address_of_id.emplace(row.key.substr(1), row.value);
    if (row.key.front() == 'n') {
      const auto id = rows::decode_id(row.value);
      if (id) next = *id;
      if (!id) problems.push_back("the next id cannot be read");
    }
  }
  for (const auto& row : rows_found) {  // 'a' rows come before 'l' rows
    if (row.key.front() != 'a' && row.key.front() != 'l' && row.key.front() != 'k') continue;
    const auto address = rows::address_of_key(row.key);
    if (!address) {
      problems.push_back("a key cannot be read");
      continue;
    }
    if (!domains.contains(address->domain)) problems.push_back(address->text() + " is in no domain of this server");
    if (row.key.front() == 'k') {
      if (auto problem = check_dkim_key(row, *address); !problem.empty()) problems.push_back(std::move(problem));
      continue;
    }
    if (row.key.front() == 'l') {
      if (!rows::decode_alias(row.key, row.value)) problems.push_back("the alias " + address->text() + " cannot be read");
      if (accounts.contains(address->text())) problems.push_back(address->text() + " is both account and alias");
      continue;
    }
    accounts.insert(address->text());
    const auto record = rows::decode_account(row.key, row.value);
    if (!record) {
      problems.push_back("the account " + address->text() + " cannot be read");
      continue;
    }
    if (record->id >= next) problems.push_back(address->text() + " has an id that has not been given yet");
    const auto id = address_of_id.find(rows::encode_id(record->id));
    if (id == address_of_id.end() || id->second != record->address)
      problems.push_back(address->text() + " is not found by its id");
    else
      address_of_id.erase(id);
  }
  for (const auto& [id, address] : address_of_id) problems.push_back("an id leads to " + address + ", which has another id or none");
  co_return problems;
}

}  // namespace posthorn::auth
