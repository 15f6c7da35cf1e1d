// Where a queue keeps its publications: in the browser's IndexedDB.
import { type DBSchema, type IDBPDatabase, openDB } from 'idb';
import { bytesToHex, randomBytes } from '@noble/hashes/utils.js';

/** A publication that waits. */
export interface Waiting {
  /** Above those of all before it in the queue. */
  number: number;
  topic: string;
  args: unknown[];
  kwargs: Record<string, unknown>;
  /** For who comes later, too. */
  retain: boolean;
}

/** Keeps publications, over the end of the program: what a promise of it says is so when it is fulfilled. */
export interface Shelf {
  /** Drawn at random when the shelf was made, and the same ever after. */
  readonly name: string;
  /** Puts a publication behind the others, and gives it a number that none had before. */
  add(publication: Omit<Waiting, 'number'>): Promise<void>;
  /** The one that waits for the longest time. */
  first(): Promise<Waiting | undefined>;
  has(number: number): Promise<boolean>;
  remove(number: number): Promise<void>;
  count(): Promise<number>;
}

interface Schema extends DBSchema {
  waiting: { key: number; value: Omit<Waiting, 'number'> };
  whole: { key: 'name'; value: string };
}

/** The form of the database. */
const VERSION = 1;
/** Bytes of the name that is drawn: nobody has the same by chance. */
const NAME_BYTES = 16;
// What is taken must still be there after a power cut.
const STRICT = { durability: 'strict' } as const;

/** A database of IndexedDB; pages of the same origin share it. */
export class DatabaseShelf implements Shelf {
  private constructor(readonly name: string, private readonly database: IDBPDatabase<Schema>) {}

  static async open(name: string): Promise<DatabaseShelf> {
    const database = await openDB<Schema>(`deskconn-queue-${name}`, VERSION, {
      upgrade(made) {
        // Its numbers are never given twice, also not those of what was removed.
        made.createObjectStore('waiting', { autoIncrement: true });
        made.createObjectStore('whole');
      },
    });
    const transaction = database.transaction('whole', 'readwrite', STRICT);
    const drawn = bytesToHex(randomBytes(NAME_BYTES));
    const known = await transaction.store.get('name');
    if (known === undefined) await transaction.store.put(drawn, 'name');
    await transaction.done;
    return new DatabaseShelf(known ?? drawn, database);
  }

  async add(publication: Omit<Waiting, 'number'>): Promise<void> {
    const transaction = this.database.transaction('waiting', 'readwrite', STRICT);
    await Promise.all([transaction.store.add(publication), transaction.done]);
  }

  async first(): Promise<Waiting | undefined> {
    const cursor = await this.database.transaction('waiting').store.openCursor();
    return cursor ? { ...cursor.value, number: cursor.key } : undefined;
  }

  async has(number: number): Promise<boolean> {
    return (await this.database.count('waiting', number)) > 0;
  }

  async remove(number: number): Promise<void> {
    const transaction = this.database.transaction('waiting', 'readwrite', STRICT);
    await Promise.all([transaction.store.delete(number), transaction.done]);
  }

  count(): Promise<number> {
    return this.database.count('waiting');
  }

  /** Lets go of the database. What waits stays there. */
  close(): void {
    this.database.close();
  }
}
