#include <algorithm>
#include <cstdio>
#include <ctime>
#include <sstream>

#include "imap.h"
#include "modes.h"

namespace mailload {

std::vector<std::vector<StepRes>> g_steps;

Task<void> fetch_worker(int idx) {
  Stats& st = L->st;
  auto& res = g_steps[size_t(idx)];
  try {
    CP c;
    int64_t exists = 0;
    std::istringstream ss(
        O.steps.empty()
            ? "login,select,flags,envelope,size,hdrs,body,store,s_subject,s_from,s_body,s_text,s_flag,"
              "s_since,s_msgid,s_all,sort_date,sort_subject,thread,unstore,logout"
            : O.steps);
    string s;
    while (std::getline(ss, s, ',')) {
      int64_t t0 = now_ns();
      Resp r;
      bool want_rows = false, skipped = false;
      string q;
      char since[32];
      time_t d = time(nullptr) - 20 * 86400;
      tm g;
      gmtime_r(&d, &g);
      strftime(since, sizeof since, "%d-%b-%Y", &g);
      if (s == "login") {
        co_await imap_login(*c, O.host, O.port, O.same_user ? 0 : idx, O.tls, O.starttls);
        r.status = "OK";
      } else {
        if (s == "select")
          q = "SELECT " + O.mailbox;
        else if (s == "flags")
          q = "UID FETCH 1:* (FLAGS)", want_rows = true;
        else if (s == "envelope")
          q = "FETCH 1:* (ENVELOPE)", want_rows = true;
        else if (s == "bodystructure")
          q = "FETCH 1:* (BODYSTRUCTURE)", want_rows = true;
        else if (s == "size")
          q = "FETCH 1:* (UID RFC822.SIZE INTERNALDATE)", want_rows = true;
        else if (s == "hdrs")
          q = "FETCH 1:* (BODY.PEEK[HEADER.FIELDS (FROM SUBJECT DATE)])", want_rows = true;
        else if (s == "body")
          q = "FETCH 1:* (BODY.PEEK[])", want_rows = true;
        else if (s == "body1000")
          q = "FETCH 1:1000 (BODY.PEEK[])";
        else if (s == "store")
          q = "STORE 1:* +FLAGS (\\Answered)", want_rows = true;
        else if (s == "unstore")
          q = "STORE 1:* -FLAGS (\\Answered)", want_rows = true;
        else if (s == "s_subject")
          q = "SEARCH SUBJECT plughsubject";
        else if (s == "s_from")
          q = "SEARCH FROM \"s42@sender\"";
        else if (s == "s_body")
          q = "SEARCH BODY xyzzyneedle";
        else if (s == "s_nobody")
          q = "SEARCH BODY qqqabsentqqq";
        else if (s == "s_text")
          q = "SEARCH TEXT xyzzyneedle";
        else if (s == "s_flag")
          q = "SEARCH SEEN UNFLAGGED";
        else if (s == "s_since")
          q = string("SEARCH SINCE ") + since;
        else if (s == "s_sentsince")
          q = string("SEARCH SENTSINCE ") + since;
        else if (s == "s_msgid")
          q = "SEARCH HEADER Message-ID \"777.\"";
        else if (s == "s_all")
          q = "SEARCH ALL";
        else if (s == "sort_date")
          q = "SORT (DATE) UTF-8 ALL";
        else if (s == "sort_subject")
          q = "SORT (SUBJECT) UTF-8 ALL";
        else if (s == "thread")
          q = "THREAD REFERENCES UTF-8 ALL";
        else if (s == "noop")
          q = "NOOP";
        else if (s == "close")
          q = "CLOSE";
        else if (s == "copy1000")
          q = "COPY 1:1000 Trash";
        else if (s == "create_trash")
          q = "CREATE Trash";
        else if (s == "create_big")
          q = "CREATE Big";
        else if (s == "logout")
          q = "LOGOUT";
        else
          throw Bad("unknown step " + s);
        if ((starts(s, "sort") && c->capa.find("SORT") == string::npos) ||
            (s == "thread" && c->capa.find("THREAD=REF") == string::npos))
          skipped = true;
        if (!skipped) co_await imap_cmd(*c, q, r);
      }
      double ms = double(now_ns() - t0) / 1e6;
      if (skipped) continue;
      bool ok = r.status == "OK";
      if (!ok) st.err(s + ": " + r.status + " " + r.text.substr(0, 60));
      if (s == "select") exists = r.exists;
      if (want_rows && r.rows != exists)
        st.err(s + ": rows " + std::to_string(r.rows) + " != exists " + std::to_string(exists)), ok = false;
      if (r.bad_sum && starts(s, "body") && s != "bodystructure")
        st.err(s + ": checksum failures " + std::to_string(r.bad_sum)), ok = false;
      res.push_back({s, ms, s == "select" ? r.exists : r.rows, r.found, r.bytes, ok});
      st.cnt["ok"] += ok;
    }
  } catch (const std::exception& e) {
    st.err(e.what());
  }
}

}  // namespace mailload
