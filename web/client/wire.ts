// What the socket speaks. Printed by `souk client_types` from the server's own types:
// change those, not this.
export interface AccountsPerson {
  user: number;
  name: string;
}

export interface AddItem {
  stream: number;
  product: number;
  offers: Array<OfferDraft>;
  key: string;
}

export interface AddressList {
  items: Array<AddressView>;
}

export interface AddressSaved {
  address: number;
}

export interface AddressView {
  address: number;
  name: string;
  phone: string;
  country: string;
  region: string;
  line: string;
  is_default: boolean;
}

export interface AdjustStock {
  sku: number;
  delta: number;
  reason: string;
  key: string;
}

export interface Admitted {
  id: string;
  state: "shown";
  at: number;
  offset_ms: number;
}

export interface AfterSaleChanged {
  type: "aftersale.changed";
  order: string;
  aftersale: number;
  state: string;
  version: number;
}

export interface AfterSaleState {
  aftersale: number;
  state: string;
  refund: string | null;
}

export interface AfterSaleView {
  aftersale: number;
  kind: string;
  lines: Array<Part>;
  reason: string;
  media: Array<string>;
  note: string;
  carrier: string;
  number: string;
  state: string;
  due_at: number | null;
  refund: string | null;
  replacement: string | null;
  at: number;
}

export interface BagChanged {
  type: "bag.changed";
  version: number;
  lines: number;
}

export interface BagLineView {
  offer: number;
  sku: number;
  shop: number;
  shop_name: string;
  stream: number | null;
  title: string;
  image: string;
  options: Record<string, string>;
  qty: number;
  prices: Record<string, number>;
  left: number | null;
  open: boolean;
}

export interface BagView {
  lines: Array<BagLineView>;
  version: number;
}

export interface BagWish {
  offer: number;
  qty: number;
  expect: Expect;
}

export interface CameBack {
  aftersale: number;
  restock: boolean;
  key: string;
}

export interface CancelOrder {
  order: string;
  reason?: string;
  key: string;
}

export interface ChangeView {
  version: number;
  was: string;
  state: string;
  by: "buyer" | "shop" | null;
  reason: string;
  at: number;
}

export interface CheckOutBag {
  shop: number;
  lines: Array<BagWish>;
  via: Via;
  key: string;
}

export interface CommentList {
  items: Array<CommentView>;
  cursor: string;
}

export interface CommentPinned {
  type: "comment.pinned";
  pinned: Array<CommentView>;
}

export interface CommentSent {
  type: "comment.sent";
  id: string;
  author: number;
  name: string;
  badges: Array<string>;
  kind: string;
  text: string;
  at: number;
  offset_ms: number;
}

export interface CommentView {
  id: string;
  author: number;
  name: string;
  badges: Array<string>;
  kind: string;
  text: string;
  at: number;
  offset_ms: number;
}

export interface CommentsRemoved {
  type: "comment.removed";
  ids: Array<string>;
  by_role: string;
}

export interface ConversationCursor {
  type: "conversation.cursor";
  conversation: number;
  user: number;
  read?: number | null;
  delivered?: number | null;
}

export interface ConversationHistory {
  conversation: number;
  before_seq?: number | null;
  limit?: number;
}

export interface ConversationList {
  items: Array<ConversationView>;
  cursor: string;
}

export interface ConversationRequested {
  type: "conversation.requested";
  conversation: number;
  user: number;
  name: string;
}

export interface ConversationView {
  id: number;
  kind: string;
  peer: Person | null;
  head_seq: number;
  head_rev: number;
  base: number;
  read: number;
  delivered: number;
  peer_read: number;
  peer_delivered: number;
  flags: number;
  last_at: number | null;
  last: MessageView | null;
}

export interface CreateKey {
  key: string;
  name: string;
  stream?: number | null;
}

export interface CreateRefund {
  order: string;
  lines: Array<RefundPart>;
  reason?: string;
  key: string;
}

export interface CreateShop {
  name: string;
  country: string;
  currencies: Array<string>;
  methods: Array<string>;
  shipping?: Record<string, Fee>;
  key: string;
}

export interface CreateStream {
  key: string;
  title: string;
  text?: string;
  category?: string;
  tags?: Array<string>;
  language?: string;
  visibility?: "private" | "public" | "unlisted";
  grace_s?: number;
  max_kbps?: number;
}

export interface CursorView {
  user: number;
  read: number;
  delivered: number;
}

export interface DecideAfterSale {
  aftersale: number;
  accept: boolean;
  note?: string;
  key: string;
}

export interface Done {
}

export interface DropAddress {
  address: number;
  key: string;
}

export interface Empty {
}

export interface EndStream {
  key: string;
  stream: number;
}

export interface Expect {
  amount: number;
  currency: string;
}

export interface ExplainItem {
  stream: number;
  number: number;
  on: boolean;
  key: string;
}

export interface Explaining {
  explaining: Array<number>;
}

export interface Fee {
  fee: Record<string, number>;
  free_over?: Record<string, number>;
}

export interface Figures {
  orders: number;
  units: number;
  gmv: Record<string, number>;
  holders: number;
}

export interface FixShipment {
  shipment: number;
  carrier: string;
  number: string;
  key: string;
}

export interface Followed {
  following: boolean;
  followers: number;
}

export interface GetBag {
}

export interface GetHealth {
  stream: number;
}

export interface GetOrder {
  order: string;
}

export interface GetProduct {
  product: number;
}

export interface GetProfile {
  user: number;
}

export interface GetShelf {
  stream: number;
}

export interface GetShop {
  shop: number;
}

export interface GetStream {
  stream: number;
}

export interface GetStreamInsight {
  stream: number;
}

export interface GoLive {
  key: string;
  stream: number;
}

export interface HeldLine {
  line: number;
  sku: number;
  qty: number;
  price: number;
}

export interface History {
  messages: Array<MessageView>;
  head_seq: number;
  head_rev: number;
}

export interface IceServer {
  urls: Array<string>;
  username: string;
  credential: string;
}

export interface IngestClosed {
  type: "ingest.closed";
  ingest: string;
  reason: string;
  stream: number;
  version: number;
  at: number;
}

export interface IngestOpened {
  type: "ingest.opened";
  ingest: string;
  generation: number;
  by: number;
  agent: string;
  stream: number;
  version: number;
  at: number;
}

export interface ItemAdded {
  type: "item.added";
  item: ItemView;
  version: number;
}

export interface ItemAddedReply {
  number: number;
  offers: Array<number>;
}

export interface ItemExplained {
  type: "item.explained";
  number: number;
  on: boolean;
  at: number;
  media_ms: number;
  explaining: Array<number>;
  version: number;
}

export interface ItemFigures {
  number: number;
  title: string;
  sold: number;
  left: number;
  gmv: Record<string, number>;
}

export interface ItemRemoved {
  type: "item.removed";
  number: number;
  version: number;
}

export interface ItemView {
  number: number;
  product: number;
  shop: number;
  title: string;
  image: string;
  offers: Array<OfferView>;
}

export interface JoinQueue {
  offer: number;
  qty: number;
  currency?: string | null;
  key: string;
}

export interface KeyList {
  items: Array<KeyView>;
}

export interface KeyMade {
  id: number;
  secret: string;
  hint: string;
  whip: string;
}

export interface KeyView {
  id: number;
  name: string;
  hint: string;
  stream: number | null;
  created_at: number;
  used_at: number | null;
}

export interface LeaveQueue {
  wait: number;
  key: string;
}

export interface Ledger {
  items: Array<MoveView>;
  cursor: string | null;
}

export interface Liked {
  liked: number;
}

export interface Likes {
  total: number;
  version: number;
}

export interface LineView {
  line: number;
  offer: number;
  sku: number;
  title: string;
  image: string;
  options: Record<string, string>;
  qty: number;
  price: number;
  discount: number;
  tax: number;
  refunded: number;
  parent: number | null;
}

export interface ListAddresses {
}

export interface ListComments {
  stream: number;
  cursor?: string;
  limit?: number;
}

export interface ListConversations {
  box?: "main" | "requests";
  cursor?: string;
  limit?: number;
}

export interface ListFollows {
  who: "followers" | "following";
  cursor?: number | null;
  limit?: number;
}

export interface ListKeys {
}

export interface ListMyOrders {
  state?: "cancelled" | "closed" | "customs" | "done" | "expired" | "held" | "packed" | "paid" | "part_shipped" | "paying" | "received" | "shipped" | null;
  cursor?: string | null;
  limit?: number;
}

export interface ListMyWaits {
}

export interface ListShopOrders {
  shop: number;
  state?: "cancelled" | "closed" | "customs" | "done" | "expired" | "held" | "packed" | "paid" | "part_shipped" | "paying" | "received" | "shipped" | null;
  after?: number | null;
  cursor?: string | null;
  limit?: number;
}

export interface ListStock {
  sku: number;
  cursor?: string | null;
  limit?: number;
}

export interface ListStreams {
  kind: "following" | "live" | "mine";
  category?: string;
  language?: string;
  cursor?: string;
  limit?: number;
}

export interface MarkConversation {
  conversation: number;
  read_seq?: number | null;
  delivered_seq?: number | null;
}

export interface MarkPaid {
  order: string;
  reference?: string;
  key: string;
}

export interface MarkRefunded {
  refund: string;
  reference?: string;
  key: string;
}

export interface Marked {
  read_seq: number;
  delivered_seq: number;
}

export interface Media {
  video: string | null;
  audio: string | null;
}

export interface MemberView {
  user: number;
  name: string;
  role: string;
}

export interface Members {
  members: Array<MemberView>;
}

export interface MessageSent {
  type: "message.sent";
  conversation: number;
  rev: number;
  seq: number;
  message: MessageView;
}

export interface MessageView {
  seq: number;
  rev: number;
  key: string;
  sender: number;
  kind: string;
  text: string;
  reply_to: number | null;
  at: number;
}

export interface MoveView {
  move: number;
  kind: string;
  delta: number;
  order: string | null;
  by: number | null;
  note: string;
  at: number;
}

export interface OfferChanged {
  type: "offer.changed";
  number: number;
  offer: number;
  sku: number;
  prices: Record<string, number>;
  list: Record<string, number>;
  per_buyer: number | null;
  version: number;
}

export interface OfferDraft {
  sku: number;
  prices?: Record<string, number> | null;
  per_buyer?: number | null;
  hold_s?: number;
}

export interface OfferPriced {
  offer: number;
  version: number;
}

export interface OfferView {
  offer: number;
  sku: number;
  code: string;
  options: Record<string, string>;
  prices: Record<string, number>;
  list: Record<string, number>;
  per_buyer: number | null;
  left: number | null;
  in: boolean;
  version: number;
  stock_version: number;
}

export interface OpenAfterSale {
  key: string;
  order: string;
  kind: "exchange" | "refund" | "return";
  lines: Array<Part>;
  reason: string;
  media?: Array<string>;
}

export interface OpenConversation {
  user: number;
  key: string;
}

export interface Opened {
  conversation: number;
}

export interface OrderCancelled {
  state: string;
  refund: string | null;
}

export interface OrderChanged {
  type: "order.changed";
  order: string;
  state: string;
  was: string | null;
  version: number;
  amount: number | null;
  expires_at: number | null;
  reason: string | null;
}

export interface OrderHeld {
  order: string;
  lines: Array<HeldLine>;
  currency: string;
  hold_until: number;
}

export interface OrderList {
  items: Array<OrderView>;
  cursor: string | null;
}

export interface OrderState {
  state: string;
}

export interface OrderView {
  order: string;
  shop: number;
  shop_name: string;
  buyer: number;
  buyer_name: string;
  stream: number | null;
  state: string;
  code: number;
  version: number;
  lines: Array<LineView>;
  goods: number;
  discount: number;
  shipping: number;
  taxes: Array<TaxLine>;
  amount: number;
  currency: string;
  needs_address: boolean;
  address: AddressView | null;
  methods: Array<string>;
  shipments: Array<ShipmentView>;
  refunds: Array<RefundView>;
  aftersales: Array<AfterSaleView>;
  changes: Array<ChangeView>;
  placed_at: number;
  hold_until: number;
  expires_at: number | null;
  paid_at: number | null;
  now: number;
}

export interface PackOrder {
  order: string;
  key: string;
}

export interface Part {
  line: number;
  qty: number;
}

export interface PartDraft {
  sku: number;
  qty: number;
}

export interface PartView {
  sku: number;
  qty: number;
  title: string;
  options: Record<string, string>;
}

export interface PayOrder {
  order: string;
  version: number;
  method: string;
  key: string;
}

export interface PayStarted {
  payment: string;
  client_secret: string | null;
  redirect: string | null;
  expires_at: number | null;
}

export interface PaymentChanged {
  type: "payment.changed";
  order: string;
  payment: string;
  state: string;
  reason: string | null;
}

export interface People {
  items: Array<AccountsPerson>;
  cursor: number | null;
}

export interface Person {
  user: number;
  name: string;
}

export interface PinComment {
  stream: number;
  id: string;
  on: boolean;
  key: string;
}

export interface Pinned {
  pinned: Array<CommentView>;
}

export interface PlaceOrder {
  offer: number;
  qty: number;
  via: Via;
  expect: Expect;
  key: string;
}

export interface Position {
  offset: number;
  epoch: string;
}

export interface PriceOffer {
  offer: number;
  prices: Record<string, number> | null;
  key: string;
}

export interface ProductCard {
  product: number;
  title: string;
  image: string;
  state: string;
  prices: Record<string, number>;
}

export interface ProductOffer {
  offer: number;
  stream: number;
  number: number;
  sku: number;
  prices: Record<string, number>;
}

export interface ProductPage {
  product: ProductView;
  skus: Array<SkuView>;
  offers: Array<ProductOffer>;
}

export interface ProductSaved {
  product: number;
  version: number;
  skus: Array<number>;
}

export interface ProductState {
  state: string;
}

export interface ProductView {
  product: number;
  shop: number;
  title: string;
  text: string;
  media: Array<string>;
  category: string;
  ships_to: Array<string>;
  cross_border: boolean;
  state: string;
  version: number;
}

export interface Profile {
  user: number;
  name: string;
  followers: number;
  follows: number;
  following: boolean;
}

export interface PublishTicket {
  stream: number;
}

export interface Publishing {
  whip: string;
  token: string;
  expires_at: number;
  ice_servers: Array<IceServer>;
}

export interface PutInBag {
  offer: number;
  qty: number;
  key: string;
}

export interface Quote {
  goods: number;
  discount: number;
  shipping: number;
  taxes: Array<TaxLine>;
  amount: number;
  currency: string;
  methods: Array<string>;
  version: number;
}

export interface QuoteOrder {
  order: string;
  address?: number | null;
  coupon?: number | null;
  key: string;
}

export interface ReceiveOrder {
  order: string;
  key: string;
}

export interface ReceiveStock {
  sku: number;
  qty: number;
  note?: string;
  key: string;
}

export interface RefundChanged {
  type: "refund.changed";
  order: string;
  refund: string;
  amount: number;
  state: string;
}

export interface RefundPart {
  line: number;
  amount: number;
  qty?: number | null;
}

export interface RefundView {
  refund: string;
  amount: number;
  lines: Array<Part>;
  reason: string;
  state: string;
  at: number;
}

export interface Refunded {
  refund: string;
  state: string;
}

export interface RemoveComments {
  stream: number;
  ids: Array<string>;
  key: string;
}

export interface RemoveItem {
  stream: number;
  number: number;
  key: string;
}

export interface Removed {
  removed: Array<string>;
}

export interface RevokeKey {
  key: string;
  id: number;
}

export interface SaleAnnounced {
  type: "sale.announced";
  number: number;
  names: Array<string>;
  count: number;
  sold: number;
}

export interface SaveAddress {
  key: string;
  address?: number | null;
  name: string;
  phone: string;
  country: string;
  region?: string;
  line: string;
  is_default?: boolean;
}

export interface SaveProduct {
  key: string;
  shop: number;
  product?: number | null;
  version?: number | null;
  title: string;
  text?: string;
  media?: Array<string>;
  category?: string;
  ships_to?: Array<string>;
  cross_border?: boolean;
  skus: Array<SkuDraft>;
}

export interface SendComment {
  stream: number;
  text: string;
  key: string;
}

export interface SendLikes {
  stream: number;
  total: number;
}

export interface SendMessage {
  conversation: number;
  text: string;
  kind?: "text";
  reply_to?: number | null;
  key: string;
}

export interface Sent {
  seq: number;
  rev: number;
  at: number;
}

export interface SentBack {
  aftersale: number;
  carrier: string;
  number: string;
  key: string;
}

export interface SetFollow {
  key: string;
  user: number;
  on: boolean;
}

export interface SetMember {
  shop: number;
  user: number;
  role: "clerk" | "manager" | "owner" | "service" | null;
  key: string;
}

export interface SetProductState {
  product: number;
  state: "delisted" | "draft" | "listed";
  key: string;
}

export interface ShelfVersion {
  version: number;
}

export interface ShelfView {
  items: Array<ItemView>;
  explaining: Array<number>;
  version: number;
  now: number;
  position: Position;
}

export interface ShipOrder {
  order: string;
  carrier: string;
  number: string;
  lines?: Array<Part> | null;
  key: string;
}

export interface ShipmentChanged {
  type: "shipment.changed";
  order: string;
  shipment: number;
  carrier: string;
  number: string;
  last: string;
}

export interface ShipmentView {
  shipment: number;
  carrier: string;
  number: string;
  lines: Array<Part>;
  events: Array<Record<string, string | number>>;
  state: string;
  at: number;
}

export interface Shipped {
  shipment: number;
}

export interface ShopCreated {
  shop: number;
}

export interface ShopPage {
  shop: ShopView;
  products: Array<ProductCard>;
  streams: Array<number>;
  followers: number;
}

export interface ShopView {
  shop: number;
  account: number;
  name: string;
  country: string;
  currencies: Array<string>;
  methods: Array<string>;
  shipping: Record<string, Fee>;
  state: string;
}

export interface SkuDraft {
  sku?: number | null;
  code: string;
  options?: Record<string, string>;
  prices: Record<string, number>;
  show_stock?: "exact" | "hidden" | "low";
  parts?: Array<PartDraft> | null;
}

export interface SkuView {
  sku: number;
  code: string;
  options: Record<string, string>;
  prices: Record<string, number>;
  show_stock: string;
  left: number | null;
  parts: Array<PartView>;
}

export interface StockBack {
  type: "stock.back";
  number: number;
  offer: number;
  version: number;
}

export interface StockLevel {
  available: number;
  version: number;
}

export interface StockOut {
  type: "stock.out";
  number: number;
  offer: number;
  version: number;
}

export interface StockTick {
  offer: number;
  left: number | null;
  in: boolean;
  version: number;
}

export interface StreamEnded {
  type: "stream.ended";
  reason: string;
  stream: number;
  version: number;
  at: number;
}

export interface StreamHealth {
  type: "stream.health";
  stream: number;
  at: number;
  verdict: "bad" | "good" | "no_data" | "ok";
  hints: Array<string>;
  kbps: number;
  fps: number;
  width: number | null;
  height: number | null;
  video: string | null;
  audio: string | null;
  keyframe_s: number | null;
  key_age_s: number | null;
  loss_pct: number;
  jitter_ms: number;
  rtt_ms: number | null;
  nacks: number;
  plis: number;
  viewers: number;
}

export interface StreamInsight {
  figures: Figures;
  items: Array<ItemFigures>;
}

export interface StreamInterrupted {
  type: "stream.interrupted";
  grace_until: number;
  stream: number;
  version: number;
  at: number;
}

export interface StreamList {
  items: Array<StreamView>;
  cursor: string;
}

export interface StreamMade {
  stream: number;
  version: number;
}

export interface StreamPreviewed {
  type: "stream.previewed";
  generation: number;
  media: Media;
  stream: number;
  version: number;
  at: number;
}

export interface StreamRecovered {
  type: "stream.recovered";
  gap_ms: number;
  generation: number;
  rejoin: boolean;
  stream: number;
  version: number;
  at: number;
}

export interface StreamStarted {
  type: "stream.started";
  generation: number;
  media: Media;
  stream: number;
  version: number;
  at: number;
}

export interface StreamState {
  state: string;
  version: number;
}

export interface StreamUpdated {
  type: "stream.updated";
  changed: Record<string, unknown>;
  stream: number;
  version: number;
  at: number;
}

export interface StreamVersion {
  version: number;
}

export interface StreamView {
  stream: number;
  host: StreamsPerson;
  title: string;
  text: string;
  category: string;
  tags: Array<string>;
  language: string;
  visibility: string;
  state: string;
  version: number;
  started_at: number | null;
  ended_at: number | null;
  end_reason: string | null;
  viewers: number;
  peak: number;
  role: string;
}

export interface StreamsPerson {
  user: number;
  name: string;
}

export interface SyncConversation {
  conversation: number;
  after_rev: number;
  limit?: number;
}

export interface Synced {
  messages: Array<MessageView>;
  cursors: Array<CursorView>;
  head_seq: number;
  head_rev: number;
  next_rev: number;
  more: boolean;
  conversation: ConversationView | null;
}

export interface TaxLine {
  name: string;
  rate_bp: number;
  amount: number;
}

export interface UpdateShop {
  key: string;
  shop: number;
  name?: string | null;
  currencies?: Array<string> | null;
  methods?: Array<string> | null;
  shipping?: Record<string, Fee> | null;
  state?: "closed" | "open" | null;
}

export interface UpdateStream {
  key: string;
  stream: number;
  version: number;
  title?: string;
  text?: string;
  category?: string;
  tags?: Array<string>;
  language?: string;
  visibility?: "private" | "public" | "unlisted";
  grace_s?: number;
  max_kbps?: number;
}

export interface Via {
  kind: "stream";
  id: number;
  media_ms?: number | null;
}

export interface Viewers {
  now: number;
  peak: number;
  total: number;
}

export interface WaitChanged {
  type: "wait.changed";
  wait: number;
  offer: number;
  state: string;
  ahead: number;
}

export interface WaitList {
  items: Array<WaitView>;
}

export interface WaitOffered {
  type: "wait.offered";
  wait: number;
  offer: number;
  order: string;
  expires_at: number;
}

export interface WaitView {
  wait: number;
  offer: number;
  stream: number;
  title: string;
  qty: number;
  state: string;
  ahead: number;
  order: string | null;
  expires_at: number | null;
}

export interface Waiting {
  wait: number;
  ahead: number;
}

export interface WatchStream {
  stream: number;
}

export interface Watching {
  state: string;
  whep: string;
  ticket: string;
  expires_at: number;
  ice_servers: Array<IceServer>;
}

export interface WithdrawAfterSale {
  aftersale: number;
  key: string;
}

// Method → [what is asked, what is answered].
export interface Calls {
  "address.drop": [DropAddress, Empty];
  "address.list": [ListAddresses, AddressList];
  "address.save": [SaveAddress, AddressSaved];
  "aftersale.decide": [DecideAfterSale, AfterSaleState];
  "aftersale.open": [OpenAfterSale, AfterSaleState];
  "aftersale.received": [CameBack, AfterSaleState];
  "aftersale.sent": [SentBack, AfterSaleState];
  "aftersale.withdraw": [WithdrawAfterSale, AfterSaleState];
  "bag.checkout": [CheckOutBag, OrderHeld];
  "bag.get": [GetBag, BagView];
  "bag.put": [PutInBag, BagView];
  "comment.list": [ListComments, CommentList];
  "comment.pin": [PinComment, Pinned];
  "comment.remove": [RemoveComments, Removed];
  "comment.send": [SendComment, Admitted];
  "conversation.history": [ConversationHistory, History];
  "conversation.list": [ListConversations, ConversationList];
  "conversation.mark": [MarkConversation, Marked];
  "conversation.open": [OpenConversation, Opened];
  "conversation.sync": [SyncConversation, Synced];
  "follow.list": [ListFollows, People];
  "follow.set": [SetFollow, Followed];
  "insight.stream": [GetStreamInsight, StreamInsight];
  "like.send": [SendLikes, Liked];
  "message.send": [SendMessage, Sent];
  "offer.price": [PriceOffer, OfferPriced];
  "order.cancel": [CancelOrder, OrderCancelled];
  "order.get": [GetOrder, OrderView];
  "order.mark_paid": [MarkPaid, OrderState];
  "order.mine": [ListMyOrders, OrderList];
  "order.pack": [PackOrder, OrderState];
  "order.pay": [PayOrder, PayStarted];
  "order.place": [PlaceOrder, OrderHeld];
  "order.quote": [QuoteOrder, Quote];
  "order.receive": [ReceiveOrder, OrderState];
  "order.ship": [ShipOrder, Shipped];
  "order.shop": [ListShopOrders, OrderList];
  "product.get": [GetProduct, ProductPage];
  "product.save": [SaveProduct, ProductSaved];
  "product.state": [SetProductState, ProductState];
  "profile.get": [GetProfile, Profile];
  "refund.create": [CreateRefund, Refunded];
  "refund.mark_done": [MarkRefunded, Refunded];
  "shelf.add": [AddItem, ItemAddedReply];
  "shelf.explain": [ExplainItem, Explaining];
  "shelf.get": [GetShelf, ShelfView];
  "shelf.remove": [RemoveItem, ShelfVersion];
  "shipment.fix": [FixShipment, Shipped];
  "shop.create": [CreateShop, ShopCreated];
  "shop.get": [GetShop, ShopPage];
  "shop.member": [SetMember, Members];
  "shop.update": [UpdateShop, ShopCreated];
  "stock.adjust": [AdjustStock, StockLevel];
  "stock.ledger": [ListStock, Ledger];
  "stock.receive": [ReceiveStock, StockLevel];
  "stream.create": [CreateStream, StreamMade];
  "stream.end": [EndStream, StreamState];
  "stream.get": [GetStream, StreamView];
  "stream.go_live": [GoLive, StreamState];
  "stream.health": [GetHealth, StreamHealth];
  "stream.list": [ListStreams, StreamList];
  "stream.ticket": [PublishTicket, Publishing];
  "stream.update": [UpdateStream, StreamVersion];
  "stream.watch": [WatchStream, Watching];
  "stream_key.create": [CreateKey, KeyMade];
  "stream_key.list": [ListKeys, KeyList];
  "stream_key.revoke": [RevokeKey, Done];
  "wait.join": [JoinQueue, Waiting];
  "wait.leave": [LeaveQueue, Empty];
  "wait.mine": [ListMyWaits, WaitList];
}

// Family of channels → what is told there; `#` is the user's own.
export interface Told {
  "#": MessageSent | ConversationRequested | ConversationCursor | OrderChanged | PaymentChanged | RefundChanged | ShipmentChanged | AfterSaleChanged | WaitOffered | WaitChanged | BagChanged;
  "comments": CommentSent;
  "deals": StreamStarted | StreamInterrupted | StreamRecovered | StreamEnded | StreamUpdated | CommentPinned | CommentsRemoved | ItemAdded | ItemRemoved | ItemExplained | OfferChanged | StockOut | StockBack | SaleAnnounced;
  "staff": StreamPreviewed | IngestOpened | IngestClosed | StreamHealth;
  "state": Record<string, Viewers> | Record<string, Likes> | Record<string, StockTick>;
}
