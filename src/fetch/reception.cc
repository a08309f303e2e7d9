#include "fetch/reception.h"

#include "async/reactor.h"

namespace posthorn::fetch {

Task<Result<void>> Reception::end(std::string key, Facts facts) {
  CO_TRY_OK(target_.end(std::move(key), std::move(facts)));
  if (target_.waiting() < limits_.messages && target_.waiting_bytes() < limits_.bytes)
    co_return Result<void>{};
  co_return co_await submit();
}

Task<Result<void>> Reception::submit() {
  CO_TRY_OK(co_await wait());
  if (target_.waiting() == 0) co_return Result<void>{};
  storing_ = std::make_unique<Event>();
  used_ = true;
  Reactor::current().spawn(store(target_.take()));
  co_return Result<void>{};
}

Task<> Reception::store(std::unique_ptr<Batch> batch) {
  result_ = co_await batch->commit(journal_, pool_);
  stored_.insert(stored_.end(), batch->stored.begin(), batch->stored.end());
  batch.reset();
  storing_->set();
}

Task<Result<void>> Reception::wait() {
  if (storing_) co_await storing_->wait();
  storing_.reset();
  co_return result_;
}

Task<Result<void>> Reception::finish() {
  auto last = co_await submit();
  auto waited = co_await wait();
  if (!used_) co_return waited;
  auto done = co_await target_.finish(journal_, pool_);
  if (!last) co_return last;
  if (!waited) co_return waited;
  co_return done;
}

}  // namespace posthorn::fetch
