// What plays, and how loud.
import type { DeskEvent } from '@deskconn/client';
import { useEffect, useState } from 'preact/hooks';
import { useAction } from '../desktop/calls.js';
import { useDesktop, useMay } from '../desktop/context.js';
import { type Source, useValue } from '../desktop/value.js';
import { Button, Card, Toggle } from '../parts/controls.js';
import { Meter } from '../parts/meter.js';
import { Slider } from '../parts/slider.js';
import { type Player, afterEvent, positionOf, readPlayers } from '../pure/players.js';
import { clock } from '../pure/timer.js';
import { useHas } from '../shell/missing.js';

const PLAYERS: Source<Player[]> = {
  uri: 'org.deskconn.media.players',
  topic: 'org.deskconn.media.on_changed',
  read: (value) => readPlayers(value, Date.now()),
  fromEvent: ({ args }: DeskEvent, players) => afterEvent(players, args[0], Date.now()),
};

interface Loudness {
  percent: number;
  muted: boolean;
}

const VOLUME: Source<Loudness> = { uri: 'org.deskconn.volume.get', topic: 'org.deskconn.volume.on_changed' };

export function MediaView() {
  const [hasMedia, hasVolume] = [useHas('media'), useHas('volume')];
  return (
    <>
      {hasVolume && <Volume />}
      {hasMedia && <Players />}
    </>
  );
}

function Volume() {
  const live = useValue(VOLUME);
  const may = useMay();
  const act = useAction();
  const told = async (name: string, value: unknown): Promise<void> => {
    const result = await act(`org.deskconn.volume.${name}`, [value]);
    if (result) live.put(result.args[0] as Loudness);
  };
  return (
    <Card title="Sound" live={live} testId="volume">
      <Slider label="Volume" value={live.value?.percent} max={Math.max(100, live.value?.percent ?? 0)} isOff={!may('volume.set')} testId="volume-slider" onSend={(percent) => told('set', percent)} />
      <Toggle label="Silent" isOn={live.value?.muted ?? false} isOff={live.value === undefined || !may('volume.mute')} testId="volume-mute" onChange={(muted) => told('mute', muted)} />
    </Card>
  );
}

function Players() {
  const live = useValue(PLAYERS);
  return (
    <>
      {live.value?.length === 0 && <p class="muted card" data-testid="no-players">Nothing plays. Start something at the desktop, and it is shown here.</p>}
      {live.value?.map((player) => (
        <Card key={player.id} title={player.name || player.id} live={live} testId={`player-${player.id}`}>
          <Track player={player} isLive={live.isLive} />
        </Card>
      ))}
    </>
  );
}

const STATUS = { playing: 'Playing', paused: 'Paused', stopped: 'Stopped' };

function Track({ player, isLive }: { player: Player; isLive: boolean }) {
  const act = useAction();
  const may = useMay();
  const art = useArt(player);
  const { id, status, title, artist, album, can } = player;
  const tell = (verb: string, args: unknown[] = []): void => void act(`org.deskconn.media.${verb}`, [...args, id]);
  const isPlaying = status === 'playing';
  const canSeek = can.seek !== false && may('media.seek');
  const canTurn = (isPlaying ? can.pause !== false : can.play !== false) && may('media.play_pause');
  return (
    <>
      <div class="track">
        {art && <img class="art" src={art} alt="" width="72" height="72" data-testid="track-art" onError={(event) => event.currentTarget.remove()} />}
        <div class="grow">
          <p class="track-title value" data-testid="track-title">{title ?? 'No title'}</p>
          <p class="muted">{[artist, album].filter(Boolean).join(' – ')}</p>
          <p class="muted" data-testid="track-status">{STATUS[status]}</p>
        </div>
      </div>
      <Progress player={player} isRunning={isLive} />
      <div class="buttons even">
        <Button isIconOnly label="Previous track" icon="back" isOff={can.previous === false || !may('media.previous')} testId="media-previous" onTap={() => tell('previous')} />
        {canSeek && <Button isIconOnly label="Back 10 seconds" icon="rewind" testId="media-rewind" onTap={() => tell('seek', [-10])} />}
        <Button isIconOnly tone="main" label={isPlaying ? 'Pause' : 'Play'} icon={isPlaying ? 'pause' : 'play'} isOff={!canTurn} testId="media-play-pause" onTap={() => tell('play_pause')} />
        {canSeek && <Button isIconOnly label="On 10 seconds" icon="forward" testId="media-forward" onTap={() => tell('seek', [10])} />}
        <Button isIconOnly label="Next track" icon="skip" isOff={can.next === false || !may('media.next')} testId="media-next" onTap={() => tell('next')} />
      </div>
    </>
  );
}

/** The picture of the track, of a file on the desktop; `null` when there is none. */
function useArt({ id, art }: Player): string | null {
  const { desktop, info, isOpen } = useDesktop();
  const [picture, setPicture] = useState<{ of: string; uri: string } | null>(null);
  const mayAsk = info?.procedures.includes('org.deskconn.media.art') ?? false;
  useEffect(() => {
    if (!art || !mayAsk || !isOpen || picture?.of === art) return;
    let isOver = false;
    // Without a picture the track is told all the same, so that no failure is worth a message.
    desktop.call('org.deskconn.media.art', [id]).then(
      ({ args: [uri] }) => {
        if (!isOver && typeof uri === 'string' && uri.startsWith('data:image/')) setPicture({ of: art, uri });
      },
      () => {},
    );
    return () => {
      isOver = true;
    };
  }, [desktop, id, art, mayAsk, isOpen]);
  return picture && picture.of === art ? picture.uri : null;
}

function Progress({ player, isRunning }: { player: Player; isRunning: boolean }) {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    if (!isRunning || player.status !== 'playing') return;
    setNow(Date.now());
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, [isRunning, player]);
  const position = positionOf(player, now);
  if (position === null) return null;
  const { length_s: length } = player;
  return (
    <div class="progress muted">
      <span>{clock(Math.floor(position) * 1000)}</span>
      {length !== null && <Meter share={position / length} />}
      {length !== null && <span>{clock(length * 1000)}</span>}
    </div>
  );
}
