// The sandbox's JSON addresses. Knows nothing of the page.

export async function state(after, phone_number_id) {
  const query = new URLSearchParams({ after, phone_number_id: phone_number_id ?? "" });
  const response = await fetch(`/api/state?${query}`, { cache: "no-store" });
  if (!response.ok) throw new Error(`state: ${response.status}`);
  return response.json();
}

export async function act(name, body = {}) {
  const response = await fetch(`/api/${name}`, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-Sandbox": "1" },
    body: JSON.stringify(body),
  });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error);
  return answer;
}
