// How much of something there is, as a bar.

/** For the eye alone: the number stands beside it. */
export function Meter({ share }: { share: number }) {
  return (
    <div class="meter" aria-hidden="true">
      <span style={{ width: `${Math.min(100, Math.max(0, share * 100))}%` }} />
    </div>
  );
}
